import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { json } from 'node:stream/consumers'
import { expect } from 'chai'
import { closeAll, longestPacket, SOCK_SEQPACKET, socketpair } from '../../dist/os/syscalls.js'
// Internals, which the package does not have as modules of their own.
import { OUTBOX_BYTES } from '../../dist/wire/outbox.js'
import { build } from '../native/build.mjs'
import { awkward, madeUp } from './helpers/json-values.mjs'
import {
  calls,
  explains,
  figures,
  needs,
  programs,
  RUN_MS,
  refuses,
  run,
  startLong,
  survivesNobody,
  takesInterruptions,
  tellsFailures,
  until,
} from './helpers/yardsticks.mjs'

const RECORD = '{"a":1776,"b":"hello world!","c":[5,4,3,2,1]}'

/** Bytes of the longest packet that a fresh socket takes here. */
function longest() {
  const pair = socketpair(SOCK_SEQPACKET)
  try {
    return longestPacket(pair[0])
  } finally {
    closeAll(pair)
  }
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
        [longest(), 20],
      ]) {
        const { seconds, ...rest } = figures('c', ['stream', '--bytes', `${bytes}`, '--count', `${count}`])
        expect(rest).to.deep.equal({ messages: count, bytes, socket: 'seqpacket' })
        expect(seconds).to.be.above(0)
      }
    })

    it('stream what is longer over a byte stream, in chunks', () => {
      for (const bytes of [longest() + 1, 8 * 2 ** 20]) {
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

    it('call again when a call was interrupted', function () {
      needs(this, 'strace')
      const calls = 'sendto,recvfrom,sendmsg,recvmsg,wait4'
      for (const workload of ['stream', 'roundtrip', 'descriptors']) {
        takesInterruptions('c', [workload, '--bytes', '53', '--count', '50'], calls)
      }
    })

    it('tell of a call that failed', function () {
      needs(this, 'strace')
      for (const workload of ['stream', 'roundtrip']) {
        tellsFailures('c', [workload, '--bytes', '53', '--count', '50'], ['sendto', 'recvfrom'])
      }
      tellsFailures('c', ['descriptors', '--count', '50'], ['sendmsg', 'recvmsg'])
    })

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
        [['roundtrip', '--bytes', '8000000', '--count', '1'], /cannot send 8000000 bytes: /],
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

    it('call again when a call was interrupted', function () {
      needs(this, 'strace')
      takesInterruptions('rust', ['stream', '--message', RECORD, '--count', '50'], 'sendmsg,recvmsg,wait4')
    })

    it('tell of a call that failed', function () {
      needs(this, 'strace')
      tellsFailures('rust', ['stream', '--message', RECORD, '--count', '50'], ['sendmsg', 'recvmsg'])
    })

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
        [['stream', '--message', '-', '--count', '1'], /cannot send: /, `"${'x'.repeat(8_000_000)}"`],
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
