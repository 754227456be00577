import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { build } from '../../native/build.mjs'

/** What could be compiled here, and why the rest could not. */
export const programs = await build()

/** How long one run may take. */
export const RUN_MS = 20_000

/**
 * Runs a yardstick to its end.
 * @param {string} language
 * @param {string[]} args
 * @param {string | Buffer} input
 */
export function run(language, args, input = '') {
  return spawnSync(programs[language], args, { input, encoding: 'utf8', timeout: RUN_MS })
}

/** The line of figures that a run printed. */
export function figures(language, args, input) {
  const { status, stdout, stderr } = run(language, args, input)
  expect(stderr).to.equal('')
  expect(status).to.equal(0)
  expect(stdout).to.match(/^\{.*\}\n$/)
  return JSON.parse(stdout)
}

const MAX_TURNS = 400_000

/** Waits for what no event tells: asks once each turn of the event loop. */
export async function until(holds) {
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    if (holds()) return
    await new Promise(setImmediate)
  }
  throw new Error(`never happened: ${holds}`)
}

/** Starts a yardstick that would run for very long, and resolves once its other half is there too. */
export async function startLong(language, args) {
  const child = spawn(programs[language], args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const stderr = text(child.stderr)
  const halves = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim()
  await until(() => halves() !== '')
  return { child, half: Number(halves()), stderr }
}

/** Whether a process is still running: not gone, and no zombie that nobody has waited for. */
function isRunning(pid) {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

/** How often each system call was made by both halves of a run. */
export function calls(language, args) {
  const strace = ['-f', '-qq', '-e', 'trace=sendmsg,sendto,recvmsg,recvfrom', programs[language], ...args]
  const { status, stderr } = spawnSync('strace', strace, { encoding: 'utf8', timeout: RUN_MS })
  expect(status).to.equal(0)
  const count = {}
  for (const [, name] of stderr.matchAll(/^(?:\[pid +\d+\] )?(\w+)\(/gm)) count[name] = (count[name] ?? 0) + 1
  return count
}

/** Runs a yardstick in which the kernel answers some calls with an error that it did not mean. */
function runWithFault(language, args, fault) {
  const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=${fault}`, programs[language], ...args]
  return spawnSync('strace', strace, { encoding: 'utf8', timeout: RUN_MS })
}

export function takesInterruptions(language, args, calls) {
  const { status, stdout, stderr } = runWithFault(language, args, `${calls}:error=EINTR:when=1+3`)
  expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
  const { messages, count } = JSON.parse(stdout)
  expect(messages ?? count).to.equal(50)
}

export function tellsFailures(language, args, calls) {
  for (const call of calls) {
    const { status, stdout, stderr } = runWithFault(language, args, `${call}:error=ENOMEM:when=9`)
    expect(stderr, call).to.match(new RegExp(`^${language}: cannot .*: Cannot allocate memory`, 'm'))
    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
  }
}

/** Skips a test where one of these programs is not installed. */
export function needs(context, ...commands) {
  const missing = commands.filter((command) => spawnSync(command, ['--version']).error !== undefined)
  if (missing.length === 0) return
  console.log(`      skipped: there is no ${missing.join(', ')} here`)
  context.skip()
}

export function refuses(language, wrong) {
  for (const [args, message, input] of wrong) {
    const { status, stdout, stderr } = run(language, args, input)
    expect(stderr, args.join(' ')).to.match(message)
    expect(stderr.startsWith(`${language}: `), stderr).to.equal(true)
    expect(stdout).to.equal('')
    expect(status).to.equal(2)
  }
}

export function explains(language) {
  for (const args of [['--help'], ['-h'], ['stream', '--help']]) {
    const { status, stdout, stderr } = run(language, args)
    expect(stdout).to.match(new RegExp(`^usage: ${language} stream`))
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
  }
}

/** Kills either half, and sees the other end by itself. */
export async function survivesNobody(language, args) {
  const first = await startLong(language, args)
  process.kill(first.half, 'SIGKILL')
  const [code] = await once(first.child, 'exit')
  expect(code).to.equal(2)
  expect(await first.stderr).to.equal(`${language}: the other half ended early\n`)

  const second = await startLong(language, args)
  second.child.kill('SIGKILL')
  await until(() => !isRunning(second.half))
  expect(await second.stderr).to.equal(`${language}: the other half ended early\n`)
}
