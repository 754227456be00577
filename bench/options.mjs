// Command line options, checked.
import { Command, InvalidArgumentError, Option } from 'commander'
import { peerNames, REFERENCE } from './peers/load.mjs'
import { groups, workloads } from './workloads.mjs'

const DEFAULT_RUNS = 5
const QUICK_RUNS = 2
const FULL_SECONDS = 0.3
const QUICK_SECONDS = 0.04

/**
 * Unless it is said how often each is run: nothing is repeated after `repeat` seconds, so that slow machines end in good time
 * with fewer runs; nothing is begun after `begin`.
 */
const FULL_LIMITS = { repeat: 780, begin: Number.POSITIVE_INFINITY }
const QUICK_LIMITS = { repeat: 60, begin: 95 }
const NO_LIMITS = { repeat: Number.POSITIVE_INFINITY, begin: Number.POSITIVE_INFINITY }

/**
 * @typedef {object} Options
 * @property {string[]} peers
 * @property {import('./workloads.mjs').Workload[]} workloads
 * @property {number} runs
 * @property {number} seconds how long one measurement should last
 * @property {{ repeat: number, begin: number }} until in seconds
 * @property {boolean} quick
 * @property {string} [json]
 * @property {string} [charts]
 */

/**
 * @param {string[]} argv
 * @param {{ out?: (text: string) => void, err?: (text: string) => void }} [output]
 * @returns {Options}
 * @throws {import('commander').CommanderError} whose `exitCode` is 0 where help was asked for
 */
export function parse(argv, { out, err } = {}) {
  const peers = peerNames()
  const names = workloads.map(({ name }) => name)
  const command = new Command('npm run bench --')
    .description('Compares ways to move JSON messages between processes, each pair in processes of its own, in turn.')
    .option('--quick', 'few and short runs in less than two minutes; not every size, nothing cold or at a rate')
    .addOption(list('--peer <names>', `which peers, beside ${REFERENCE}`, peers, {}))
    .addOption(list('--workload <names>', 'which workloads, or groups of them', names, groups))
    .addOption(
      new Option('--runs <count>', `how often each is run (${DEFAULT_RUNS}; ${QUICK_RUNS} if quick)`).argParser(
        positive
      )
    )
    .addOption(
      new Option(
        '--seconds <time>',
        `how long one measurement lasts (${FULL_SECONDS}; ${QUICK_SECONDS} if quick)`
      ).argParser(duration)
    )
    .option('--json <file>', 'writes the report there')
    .option('--charts <directory>', 'draws charts there, as SVG')
    .helpOption('-h, --help', 'says this')
    .addHelpText('after', () => help(peers, names))
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ ...(out && { writeOut: out }), ...(err && { writeErr: err }) })
    .parse(argv, { from: 'user' })
  const { quick = false, peer, workload, runs, seconds, json, charts } = command.opts()
  const chosen = workloads.filter(({ name, thorough }) =>
    workload === undefined ? !(quick && thorough) : workload.has(name)
  )
  return {
    peers: peers.filter((name) => name === REFERENCE || peer === undefined || peer.has(name)),
    workloads: chosen,
    runs: runs ?? (quick ? QUICK_RUNS : DEFAULT_RUNS),
    seconds: seconds ?? (quick ? QUICK_SECONDS : FULL_SECONDS),
    until: runs === undefined ? (quick ? QUICK_LIMITS : FULL_LIMITS) : NO_LIMITS,
    quick,
    json,
    charts,
  }
}

/** An option that takes names, apart by commas or given again. */
function list(flags, description, names, sets) {
  return new Option(flags, description).argParser((text, before = new Set()) => {
    for (const name of text.split(',')) {
      if (Object.hasOwn(sets, name)) for (const member of sets[name]) before.add(member)
      else if (names.includes(name)) before.add(name)
      else
        throw new InvalidArgumentError(
          `There is no "${name}". There are: ${[...Object.keys(sets), ...names].join(', ')}.`
        )
    }
    return before
  })
}

function positive(text) {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It has to be a whole number from 1 to 9999.')
  return Number(text)
}

function duration(text) {
  const seconds = Number(text)
  if (text.trim() === '' || !(seconds >= 0.01 && seconds <= 60)) {
    throw new InvalidArgumentError('It has to be a number of seconds from 0.01 to 60.')
  }
  return seconds
}

function help(peers, names) {
  return `
Peers:     ${wrap(peers)}
Workloads: ${wrap(names)}
Groups:    ${wrap(Object.keys(groups))}

Several names: --peer ndjson,zeromq or --peer ndjson --peer zeromq.`
}

function wrap(words) {
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1)
    if (line.length + word.length > 100) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n           ')
}
