// Tries each prebuilt addon as far as this machine can. Those for glibc run the round-trip tests, the other
// architecture's in an emulator. Those for musl are loaded by musl's loader, as no registry has a Node for musl. The
// last line counts.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadWithMusl } from './prebuild/load-musl.mjs'
import { fileOf, targets } from './prebuild/targets.mjs'
import { find } from './runtimes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const TESTS = ['api/channel', 'descriptors/descriptors']
/** An emulator is slow. */
const MAX_MS = 240_000

const rows = targets.map((target) => ({ addon: fileOf(target), ...attempt(target) }))
console.table(Object.fromEntries(rows.map(({ addon, how, result }) => [addon, { how, result: result || 'passed' }])))
const failed = rows.filter(({ result }) => result !== '').length
console.log(`${rows.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function attempt(target) {
  const foreign = target.arch !== process.arch
  // The cross compiler's package brings the libraries that an emulated program needs.
  const emulator = foreign ? [`qemu-${target.triplet.split('-')[0]}`, '-L', `/usr/${target.triplet}-gnu`] : []
  const where = foreign ? ` in ${emulator[0]}` : ''
  try {
    if (target.libc === 'musl') {
      return { how: `loaded by musl${where}`, result: loadWithMusl(target, join(root, fileOf(target)), emulator) }
    }
    return { how: `${TESTS.join(' and ')} tests${where}`, result: runTests(target, emulator, foreign) }
  } catch (error) {
    return { how: `not tried${where}`, result: error.message }
  }
}

function runTests({ arch }, emulator, foreign) {
  const node = foreign ? find(`node-${arch}`) : process.execPath
  if (node === undefined) throw new Error(`no Node for ${arch}`)
  // Without mocha's configuration, which makes it start another Node outside the emulator.
  const options = ['--no-config', '--reporter', 'dot', '--timeout', String(MAX_MS)]
  const tests = TESTS.map((name) => `out/test/${name}.test.js`)
  const [program, ...args] = [...emulator, node, '--expose-gc', 'node_modules/mocha/bin/mocha.js', ...options, ...tests]
  const env = { ...process.env, PREBUILDS_ONLY: '1' }
  const { status, stdout, error } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', timeout: MAX_MS })
  return status === 0 ? '' : (error?.message ?? stdout.trim())
}
