// Measures what a fresh process takes from its start to the first message received, over Node's own start: with the
// modules as they are packed, and one by one as in this tree. Reports; judges nothing.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { medianSorted, quantileSorted } from 'simple-statistics'
import { find, majors } from './runtimes.mjs'

const { rounds, all } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, all: { type: 'boolean', default: false } },
}).values
const root = fileURLToPath(new URL('..', import.meta.url))
const BASE = 'nothing'
const PACKED = 'build/package/dist/index.js'

const sources = {
  [BASE]: '',
  packed: firstMessage(PACKED),
  'single modules': firstMessage('dist/index.js'),
}
if (!existsSync(join(root, PACKED))) throw new Error('there is no build/package: npm run pack -- --partial')

const folder = mkdtempSync(join(tmpdir(), 'wormhole-start-'))
try {
  const nodes = all ? majors.map((major) => find(`node-${major}`)) : [process.execPath]
  console.table(Object.fromEntries(nodes.filter(Boolean).flatMap(measure)))
} finally {
  rmSync(folder, { recursive: true })
}

function firstMessage(index) {
  return `import { channel } from ${JSON.stringify(join(root, index))}
const [sender, receiver] = channel()
sender.send('first')
await receiver.recv()
`
}

/** The programs by turns, so that what else the machine does slows all of them. */
function measure(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  const times = Object.fromEntries(Object.keys(sources).map((name) => [name, []]))
  for (let round = 0; round < Number(rounds); round++) {
    for (const name of Object.keys(sources)) times[name].push(timeOf(node, name))
  }
  for (const list of Object.values(times)) list.sort((a, b) => a - b)
  const base = times[BASE]
  return Object.entries(times).map(([name, list]) => [
    `${stdout.trim()} ${name}`,
    {
      'fastest, ms': round1(list[0]),
      'quarter, ms': round1(quantileSorted(list, 0.25)),
      'median, ms': round1(medianSorted(list)),
      'fastest over nothing': round1(list[0] - base[0]),
      'quarter over nothing': round1(quantileSorted(list, 0.25) - quantileSorted(base, 0.25)),
      'median over nothing': round1(medianSorted(list) - medianSorted(base)),
    },
  ])
}

function timeOf(node, name) {
  const file = join(folder, `${name.replaceAll(' ', '-')}.mjs`)
  if (!existsSync(file)) writeFileSync(file, sources[name])
  const began = performance.now()
  const { status, stderr } = spawnSync(node, [file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name}: ${stderr}`)
  return performance.now() - began
}

function round1(number) {
  return Number(number.toFixed(1))
}
