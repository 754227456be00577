import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { json, text } from 'node:stream/consumers'
import { expect } from 'chai'
import { OUTBOX_BYTES } from '../../dist/framing.js'
import { build } from '../native/build.mjs'

const RECORD = '{"a":1776,"b":"hello world!","c":[5,4,3,2,1]}'
const LONGEST_PACKET = 212_960
const RUN_MS = 20_000

const programs = await build()

/** Runs a yardstick to its end. */
function run(language, args, input = '') {
  return spawnSync(programs[language], args, { input, encoding: 'utf8', timeout: RUN_MS })
}

/** The line of figures that a run printed. */
function figures(language, args, input) {
  const { status, stdout, stderr } = run(language, args, input)
  expect(stderr).to.equal('')
  expect(status).to.equal(0)
  expect(stdout).to.match(/^\{.*\}\n$/)
  return JSON.parse(stdout)
}

const MOST_TURNS = 400_000

/** Waits for what no event tells: asks once each turn of the event loop. */
async function until(holds) {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    if (holds()) return
    await new Promise(setImmediate)
  }
  throw new Error(`never happened: ${holds}`)
}

/** Starts a yardstick that would run for very long, and resolves once its other half is there too. */
async function startLong(language, args) {
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
function calls(language, args) {
  const strace = ['-f', '-qq', '-e', 'trace=sendmsg,sendto,recvmsg,recvfrom', programs[language], ...args]
  const { status, stderr } = spawnSync('strace', strace, { encoding: 'utf8', timeout: RUN_MS })
  expect(status).to.equal(0)
  const count = {}
  for (const [, name] of stderr.matchAll(/^(?:\[pid +\d+\] )?(\w+)\(/gm)) count[name] = (count[name] ?? 0) + 1
  return count
}

/** Skips a test where one of these programs is not installed. */
function needs(context, ...commands) {
  const missing = commands.filter((command) => spawnSync(command, ['--version']).error !== undefined)
  if (missing.length === 0) return
  console.log(`      skipped: there is no ${missing.join(', ')} here`)
  context.skip()
}

function refuses(language, wrong) {
  for (const [args, message, input] of wrong) {
    const { status, stdout, stderr } = run(language, args, input)
    expect(stderr, args.join(' ')).to.match(message)
    expect(stderr.startsWith(`${language}: `), stderr).to.equal(true)
    expect(stdout).to.equal('')
    expect(status).to.equal(2)
  }
}

function explains(language) {
  for (const args of [['--help'], ['-h'], ['stream', '--help']]) {
    const { status, stdout, stderr } = run(language, args)
    expect(stdout).to.match(new RegExp(`^usage: ${language} stream`))
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
  }
}

/** Kills either half, and sees the other end by itself. */
async function survivesNobody(language, args) {
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

describe('the native yardsticks', function () {
  this.timeout(4 * RUN_MS)

  describe('in C', () => {
    before(function () {
      needs(this, 'gcc')
      expect(programs.c, programs.reasons.join()).to.be.a('string')
    })

    it('stream packets of any length that the socket takes', () => {
      for (const [bytes, count] of [
        [1, 1000],
        [53, 1000],
        [LONGEST_PACKET, 20],
      ]) {
        const { seconds, ...rest } = figures('c', ['stream', '--bytes', `${bytes}`, '--count', `${count}`])
        expect(rest).to.deep.equal({ messages: count, bytes, socket: 'seqpacket' })
        expect(seconds).to.be.above(0)
      }
    })

    it('stream what is longer over a byte stream, in chunks', () => {
      for (const bytes of [8 * 2 ** 20, 8 * 2 ** 20 + 1]) {
        const { seconds, ...rest } = figures('c', [
          'stream',
          '--bytes',
          `${bytes}`,
          '--count',
          '3',
          '--chunk',
          '100000',
        ])
        expect(rest).to.deep.equal({ messages: 3, bytes, socket: 'stream' })
        expect(seconds).to.be.above(0)
      }
    })

    it('chunk as the library does', () => {
      expect(run('c', ['--help']).stdout).to.include(`(${OUTBOX_BYTES}, `)
    })

    it('make one call to send a packet and one to receive it', function () {
      needs(this, 'strace')
      const news = 2
      const probe = 1
      const { sendto, recvfrom } = calls('c', ['stream', '--bytes', '53', '--count', '100'])
      expect({ sendto, recvfrom }).to.deep.equal({ sendto: 100 + news + probe, recvfrom: 100 + news })
    })

    it('go there and back', () => {
      const { seconds, count, ...us } = figures('c', ['roundtrip', '--bytes', '53', '--count', '2000'])
      expect(count).to.equal(2000)
      expect(us.median_us).to.be.above(0)
      expect(us.p99_us).to.be.at.least(us.median_us)
      expect(us.p999_us).to.be.at.least(us.p99_us)
      expect(us.p999_us * 1e-6).to.be.below(seconds)
    })

    for (const [cpus, theirs] of [
      ['0', '0'],
      ['0,1', '1'],
    ]) {
      it(`stay where they are told to with --cpus ${cpus}`, async function () {
        if (spawnSync('taskset', ['-c', cpus, 'true']).status !== 0) this.skip()
        const args = ['roundtrip', '--bytes', '1', '--count', '10000000', '--cpus', cpus]
        const { child, half, stderr } = await startLong('c', args)
        const allowed = (pid) => /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
        await until(() => allowed(half) === theirs && allowed(child.pid) === '0')
        child.kill('SIGKILL')
        await stderr
      })
    }

    it('pass descriptors', () => {
      const { seconds, ...rest } = figures('c', ['descriptors', '--count', '3000'])
      expect(rest).to.deep.equal({ messages: 3000 })
      expect(seconds).to.be.above(0)
      expect(figures('c', ['descriptors', '--count', '10', '--bytes', '53']).messages).to.equal(10)
    })

    for (const workload of ['stream', 'roundtrip', 'descriptors']) {
      it(`end when one half dies: ${workload}`, () => {
        const count = workload === 'roundtrip' ? '10000000' : '1000000000'
        return survivesNobody('c', [workload, '--bytes', '53', '--count', count])
      })
    }

    it('refuse wrong arguments', () => {
      refuses('c', [
        [[], /expected stream, roundtrip or descriptors/],
        [['sing'], /expected stream, roundtrip or descriptors/],
        [['stream'], /--bytes is missing/],
        [['stream', '--bytes', '1'], /--count is missing/],
        [['stream', '--bytes', '0', '--count', '1'], /--bytes takes a whole number from 1 to \d+, not '0'/],
        [['stream', '--bytes', '1', '--count', '1e3'], /--count takes a whole number, not '1e3'/],
        [['stream', '--bytes', '-1', '--count', '1'], /--bytes takes .*, not '-1'/],
        [['stream', '--bytes', '99999999999999999999', '--count', '1'], /--bytes takes/],
        [['stream', '--bytes', '1', '--count'], /'--count' is no option, or lacks its value/],
        [['stream', '--loud'], /'--loud' is no option/],
        [['stream', '--bytes', '1', '--count', '1', '--cpus', '0'], /stream does not take that option/],
        [['stream', '--bytes', '1', '--count', '1', 'more'], /'more' was not expected/],
        [['roundtrip', '--bytes', '1', '--count', '1', '--cpus', '0,'], /--cpus takes/],
        [['roundtrip', '--bytes', '1', '--count', '1', '--cpus', '0,1,2'], /--cpus takes/],
        [['roundtrip', '--bytes', '1', '--count', '1', '--cpus', '1023'], /cannot run on CPU 1023/],
        [['roundtrip', '--bytes', '8000000', '--count', '1'], /cannot send 8000000 bytes: Message too long/],
      ])
    })

    it('explain themselves', () => explains('c'))
  })

  describe('in Rust', () => {
    before(function () {
      needs(this, 'rustc')
      expect(programs.rust, programs.reasons.join()).to.be.a('string')
    })

    it('stream the record of the crate, and values of any other shape', () => {
      const { c, ...less } = JSON.parse(RECORD)
      for (const message of [RECORD, JSON.stringify({ c, ...less }), '{"a":1}', '"é\\n"', '-0.5', '[]', 'null']) {
        const { seconds, ...rest } = figures('rust', ['stream', '--message', message, '--count', '500'])
        const bytes = Buffer.byteLength(JSON.stringify(JSON.parse(message)))
        expect(rest, message).to.deep.equal({ messages: 500, bytes })
        expect(seconds).to.be.above(0)
      }
    })

    it('take a long message from standard input', () => {
      const message = JSON.stringify('x'.repeat(200_000))
      const { messages, bytes } = figures('rust', ['stream', '--message', '-', '--count', '20'], message)
      expect({ messages, bytes }).to.deep.equal({ messages: 20, bytes: 200_002 })
    })

    it('make one sendmsg and two recvmsg for a message, as the crate does', function () {
      needs(this, 'strace')
      const news = 2
      const count = calls('rust', ['stream', '--message', RECORD, '--count', '100'])
      expect(count).to.deep.equal({ sendmsg: 100 + news, recvmsg: 2 * (100 + news) })
    })

    it('read and write JSON without changing it', async () => {
      const child = spawn(programs.rust, ['rewrite', '--message', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
      const values = [...awkward, ...madeUp(2000)]
      child.stdin.end(JSON.stringify(values))
      expect(await json(child.stdout)).to.deep.equal(values)
    })

    it('read what JSON.stringify would have written otherwise', () => {
      const text = ' { "a" : [ 1.50e+3 , -0 , 1E2 ] ,\n"\\u0061\\/\\ud83d\\ude00" :\ttrue , "a" : null }\r\n'
      expect(run('rust', ['rewrite', '--message', text]).stdout).to.equal(
        '{"a":[1500.0,-0.0,100.0],"a/😀":true,"a":null}\n'
      )
      const integers = '[18446744073709551615,-9223372036854775808,18446744073709551616,-9223372036854775809]'
      expect(run('rust', ['rewrite', '--message', integers]).stdout).to.equal(
        '[18446744073709551615,-9223372036854775808,1.8446744073709552e19,-9.223372036854776e18]\n'
      )
    })

    it('refuse what is not JSON', () => {
      const wrong = ['', ' ', '[', ']', '[1', '[1,]', '{"a":1,}', '{"a"}', '{a:1}', '1 2', '01', '-', '+1', '.5', '1.']
      wrong.push('1e', '1e999', 'tru', 'nulls', '"a', '"\n"', '"\\x"', '"\\u12"', '"\\u+123"', '"\\ud800"')
      wrong.push('"\\ud800\\u0041"', '"\\udc00"', `${'['.repeat(128)}${']'.repeat(128)}`)
      refuses(
        'rust',
        wrong.map((message) => [['rewrite', '--message', message], /the message is not JSON: /])
      )
      expect(run('rust', ['rewrite', '--message', `${'['.repeat(127)}${']'.repeat(127)}`]).status).to.equal(0)
      expect(run('rust', ['rewrite', '--message', '-'], Buffer.of(0x22, 0xff, 0x22)).status).to.equal(2)
    })

    it('end when one half dies', () => survivesNobody('rust', ['stream', '--message', RECORD, '--count', '1000000000']))

    it('refuse wrong arguments', () => {
      refuses('rust', [
        [[], /expected stream or rewrite/],
        [['sing'], /expected stream or rewrite/],
        [['stream'], /--message is missing/],
        [['stream', '--message', '1'], /--count is missing/],
        [['stream', '--message', '1', '--count'], /--count lacks its value/],
        [['stream', '--message', '1', '--count', '0'], /--count takes a whole number from 1 to \d+, not '0'/],
        [['stream', '--message', '1', '--count', '+1'], /--count takes .*, not '\+1'/],
        [['stream', '--message', '1', '--count', '1', 'more'], /'more' was not expected/],
        [['rewrite', '--message', '1', '--count', '1'], /rewrite does not take --count/],
        [['stream', '--message', '-', '--count', '1'], /cannot send: Message too long/, `"${'x'.repeat(300_000)}"`],
      ])
    })

    it('explain themselves', () => explains('rust'))
  })

  describe('are built', () => {
    before(function () {
      needs(this, 'gcc', 'rustc')
    })

    const made = async () => (await stat(programs.c)).mtimeMs

    it('once, and again when a source is newer', async () => {
      const before = await made()
      expect(await build()).to.deep.equal(programs)
      expect(await made()).to.equal(before)
      await utimes(programs.c, 1, 1)
      expect(await build()).to.deep.equal(programs)
      expect(await made()).to.be.above(before)
    })

    it('or say why not', async () => {
      await utimes(programs.c, 1, 1)
      const { PATH } = process.env
      process.env.PATH = '/nonexistent'
      try {
        expect(await build()).to.deep.equal({ rust: programs.rust, reasons: ['c: there is no gcc here'] })
      } finally {
        process.env.PATH = PATH
      }
      expect(await build()).to.deep.equal(programs)
    })
  })
})

const awkward = ['', '"', '\\', '\\"', '/', '\b\f\n\r\t', '\0\x1f', '\x7f', 'é', '\u2028', '😀', '\uffff', [], {}, [[]]]
awkward.push({ '': {} }, { '"\\\n': [null, true, false] }, 0, 9, 10, 99, 100, 101, 12345, 2 ** 31, -1, -10)
awkward.push(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1, -0.1, 1e21, 1e300, 5e-324, 1.7976931348623157e308)

/** Values of every kind, the same each time: whole numbers of every length, fractions, strings, and lists of these. */
function madeUp(count) {
  const values = []
  let state = 1776
  for (let index = 0; index < count; index++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    const number = state * 10 ** (index % 12)
    const text = String.fromCodePoint(state & 0x7ff, 0x1f600 + (index % 64)).repeat(index % 5)
    values.push([number, state / 2 ** 31, text, { [text]: [index, index / 10 ** (index % 30)] }][index % 4])
  }
  return values
}
