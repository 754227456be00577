import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { parse } from '../options.mjs'
import { peerNames, REFERENCE } from '../peers/load.mjs'
import { groups, workloads } from '../workloads.mjs'

const RUN_MS = 20_000
const main = fileURLToPath(new URL('../main.mjs', import.meta.url))

const names = (argv) => parse(argv).workloads.map(({ name }) => name)
const bench = (...args) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: RUN_MS })

describe('the command line', () => {
  it('takes every peer and every workload unless told which', () => {
    const { peers, workloads: chosen, quick } = parse([])
    expect(peers).to.deep.equal(peerNames())
    expect(chosen).to.deep.equal(workloads)
    expect(quick).to.equal(false)
  })

  it('takes names apart by commas, or given again, and keeps their order', () => {
    expect(names(['--workload', 'start,fan-in', '--workload', 'stream-45B'])).to.deep.equal([
      'stream-45B',
      'fan-in',
      'start',
    ])
    expect(parse(['--peer', 'zeromq', '--peer', 'ndjson']).peers).to.deep.equal([REFERENCE, 'ndjson', 'zeromq'])
  })

  it('takes groups', () => {
    expect(names(['--workload', 'small'])).to.deep.equal(groups.small)
    expect(names(['--workload', 'small,memory'])).to.deep.equal([...groups.small, 'memory'])
    expect(names(['--workload', 'pool,calls'])).to.deep.equal([...groups.calls, ...groups.pool])
    for (const [name, members] of Object.entries(groups)) expect(members, name).not.to.deep.equal([])
  })

  it('leaves some sizes, and what is cold or at a rate, out of --quick, unless asked for, and nothing else', () => {
    const quick = names(['--quick'])
    expect(quick).to.include.members(['stream-45B', 'stream-1MiB', 'stream-45B-unicode'])
    expect(quick).not.to.include('stream-256MiB')
    const left = names([]).filter((name) => !/^(stream|bytes)-/.test(name) && !quick.includes(name))
    expect(left.filter((name) => !/^(first|dialogue|paced)-/.test(name))).to.deep.equal([])
    expect(left).not.to.deep.equal([])
    expect(names(['--quick', '--workload', 'stream-256MiB'])).to.deep.equal(['stream-256MiB'])
  })

  it('takes the number of runs', () => {
    expect(parse(['--runs', '7']).runs).to.equal(7)
    expect(parse(['--quick', '--runs', '7'])).to.include({ quick: true, runs: 7 })
    expect(parse([]).seconds).to.be.greaterThan(parse(['--quick']).seconds)
  })

  it('takes how long a measurement lasts', () => {
    expect(parse(['--seconds', '1.5']).seconds).to.equal(1.5)
    expect(parse(['--quick', '--seconds', '0.1'])).to.include({ quick: true, seconds: 0.1 })
  })

  /** @type {[string, string[], RegExp][]} */
  const mistakes = [
    ['an unknown peer', ['--peer', 'pigeon'], /There is no "pigeon"\. There are: .*ndjson.*zeromq/],
    ['an unknown workload', ['--workload', 'huge'], /There is no "huge"\. There are: .*small.*stream-45B/],
    ['an empty name', ['--peer', ''], /There is no ""/],
    ['a name that objects have', ['--workload', 'constructor'], /There is no "constructor"/],
    ['no run at all', ['--runs', '0'], /whole number/],
    ['runs that are no number', ['--runs', '3x'], /whole number/],
    ['no time at all', ['--seconds', '0'], /number of seconds from 0.01 to 60/],
    ['a time that is none', ['--seconds', ''], /number of seconds/],
    ['an unknown option', ['--fast'], /unknown option '--fast'/],
    ['an option without its value', ['--json'], /argument missing/],
    ['a word too many', ['stream-45B'], /too many arguments/],
  ]
  for (const [title, args, message] of mistakes) {
    it(`ends with code 2 and says why, at ${title}`, () => {
      const { status, stdout, stderr } = bench(...args)
      expect(stderr).to.match(message)
      expect(stderr).not.to.include('    at ')
      expect(stdout).to.equal('')
      expect(status).to.equal(2)
    })
  }

  it('explains itself, with every name', () => {
    const { status, stdout } = bench('--help')
    expect(status).to.equal(0)
    const words = stdout.split(/\s+/)
    expect(words).to.include.members([...peerNames(), ...workloads.map(({ name }) => name), ...Object.keys(groups)])
  })
})
