// Says what the time of a small message consists of, at both ends: node bench/profile/main.mjs [--messages 10000000].
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { kindNames, OWN, tally } from './samples.mjs'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '10000000' }, help: { type: 'boolean', short: 'h' } },
})
if (values.help || !/^[1-9]\d*$/.test(values.messages)) {
  console.log('usage: node bench/profile/main.mjs [--messages 10000000]     (needs perf, and the right to use it)')
  process.exit(values.help ? 0 : 2)
}

const folder = mkdtempSync(join(tmpdir(), 'wormhole-profile-'))
try {
  const data = join(folder, 'perf.data')
  const program = fileURLToPath(new URL('stream.mjs', import.meta.url))
  const node = [process.execPath, '--perf-basic-prof', program, 'send', values.messages]
  const { sender, receiver } = JSON.parse(run('perf', ['record', '-q', '-F', '997', '-g', '-o', data, '--', ...node]))
  const processes = tally(run('perf', ['script', '-i', data, '-F', 'pid,ip,sym']))
  const ends = [sender, receiver].map((pid) => processes.get(pid) ?? new Map())
  const rows = kindNames.map((name) => [name, ...ends.map((samples) => share(samples, [name]))])
  const own = ends.map((samples) => share(samples, OWN))
  console.log(
    `Node ${process.version}, ${values.messages} messages of 45 bytes, share of each end's time on a processor\n`
  )
  console.log(
    markdownTable([['', 'sender', 'receiver'], ...rows, ['**the library in all**', ...own]], { align: ['l', 'r', 'r'] })
  )
} finally {
  rmSync(folder, { recursive: true })
}

/** @param {Map<string, number>} samples */
function share(samples, names) {
  const all = [...samples.values()].reduce((sum, count) => sum + count, 0)
  const some = names.reduce((sum, name) => sum + (samples.get(name) ?? 0), 0)
  return `${((100 * some) / all).toFixed(1)} %`
}

/** What a command printed; it is over for this program when the command fails. */
function run(command, args) {
  const { stdout, stderr, status, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (error === undefined && status === 0) return stdout
  console.error(`${command} failed: ${error?.message ?? stderr.trim()}`)
  process.exit(1)
}
