import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import { sendmsg, socketpair } from 'wormhole-ipc/socket'
import { fixture, start } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { countCalls } from '../helpers/count-calls.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { fill, range, spin, textOf, turns } from '../helpers/fill.js'
import { watch } from '../helpers/watch.js'

/** A channel from which one message was taken since it was full: the kernel does not say that it is writable. */
type Way = [name: string, send: (sender: Sender<string>) => Promise<unknown>]

async function* later(values: string[]): AsyncGenerator<string> {
  yield* values
}

const ways: Way[] = [
  ['send', (sender) => sender.send('one more')],
  ['sendWithFds', (sender) => sender.sendWithFds('one more', [0])],
  ['sendAll', (sender) => sender.sendAll(['one more'])],
  ['sendAll of an async iterable', (sender) => sender.sendAll(later(['one more']))],
  // It accepts a chunk before the kernel has it: its end is what waits.
  ['writable', (sender) => new Promise((resolve) => sender.writable().end('one more', () => resolve(undefined)))],
  [
    'flush',
    (sender) => {
      void sender.send('one more')
      return sender.flush()
    },
  ],
]

/** Of a test that a busy machine may spoil. */
const MAX_TRIES = 5

describe('a sender that waits for room', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  for (const [name, send] of ways) {
    for (const [kind, make] of [
      ['packets', () => open<string>()],
      ['a byte stream', () => openStream<string>() as [Sender<string>, Receiver<string>]],
    ] as const) {
      for (const size of [10, 30_000]) {
        it(`goes on as soon as one message of ${size} bytes was taken (${name}, ${kind})`, async () => {
          const [sender, receiver] = make()
          const count = fill(sender, () => textOf(size))
          const sent = send(sender)
          const state = watch(sent)
          await turns()
          // What a byte stream has taken a part of counts as sent: more has to go before there is room.
          const few = kind === 'packets' ? 1 : Math.ceil(count / 8)
          if (kind === 'packets') expect(state.settled).to.equal(false)
          for (let index = 0; index < few; index++) expect(await receiver.recv()).to.equal(textOf(size))
          await sent
          sender.close()
          const left = await collect(receiver)
          expect(left).to.have.lengthOf(count - few + 1)
          expect(left.at(-1)).to.equal('one more')
        })
      }
    }
  }

  it('goes on within its thread, too, where both ends wait for one step of the other', async () => {
    const [sender, receiver] = open<string>()
    const [back, answers] = open<number>()
    const count = fill(sender, () => 'x')
    const other = (async () => {
      await receiver.recv()
      await back.send(1)
    })()
    await sender.send('y')
    expect(await answers.recv()).to.equal(1)
    await other
    for (let index = 1; index < count; index++) expect(receiver.tryRecv()).to.equal('x')
    expect(receiver.tryRecv()).to.equal('y')
  })

  it('sends rather than rejects where there is room by the time that its signal aborts or its time is over', async () => {
    for (const send of [
      (sender: Sender<string>, signal: AbortSignal) => sender.send('late', { signal }),
      (sender: Sender<string>, signal: AbortSignal) => sender.sendWithFds('late', [0], { signal }),
      (sender: Sender<string>, signal: AbortSignal) => sender.sendAll(['late'], { signal }),
    ]) {
      const [sender, receiver] = open<string>()
      fill(sender, () => 'x')
      const aborting = new AbortController()
      const sent = send(sender, aborting.signal)
      await turns()
      receiver.recvSync()
      aborting.abort()
      await sent
      sender.close()
      expect((await collect(receiver)).at(-1)).to.equal('late')
    }
  })

  it('does so with a timeout that fires after a busy spell', async () => {
    // On a busy machine the time may be over before there is room; then there is more of it.
    for (let milliseconds = 20; ; milliseconds *= 2) {
      const [sender, receiver] = open<string>()
      fill(sender, () => 'x')
      const signal = AbortSignal.timeout(milliseconds)
      const sent = sender.send('late', { signal })
      const state = watch(sent)
      await turns()
      if (signal.aborted) {
        await sent.catch(() => undefined)
        continue
      }
      expect(state.settled).to.equal(false)
      receiver.recvSync()
      spin(3 * milliseconds)
      await sent
      sender.close()
      expect((await collect(receiver)).at(-1)).to.equal('late')
      return
    }
  })

  it('still rejects with the reason where there is none, and sends nothing', async () => {
    const [sender, receiver] = open<string>()
    const count = fill(sender, () => 'x')
    const reason = new Error('enough')
    const aborting = new AbortController()
    const sent = sender.send('late', { signal: aborting.signal })
    await turns()
    aborting.abort(reason)
    expect(await sent.catch((error) => error)).to.equal(reason)
    sender.close()
    expect(await collect(receiver)).to.have.lengthOf(count)
  })

  it('goes on with a long message beside which others fill the channel', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(5_000_000)
    const sent = sender.send(long)
    await turns()
    const count = fill(sender, () => 'x')
    expect((await receiver.recv()) === long).to.equal(true)
    await sent
    for (let index = 0; index < count; index++) expect(receiver.tryRecv()).to.equal('x')
  })

  it('goes on in its process as another process reads, one message at a time, and neither waits for ever', async function () {
    this.timeout(30_000)
    for (const mode of ['send', 'sync']) {
      const [toChild, childReads] = channel<number>()
      const [childSends, fromChild] = channel<number>()
      const child = fork(fixture('one-step'), [mode], { channels: { input: childReads, output: childSends } })
      // Both fill their channels and then take one step each per message of the other.
      let sum = 0
      const total = 1000
      const sending = (async () => {
        for (let index = 0; index < total; index++) await toChild.send(index)
        toChild.close()
      })()
      for await (const value of fromChild) sum += value
      await sending
      expect(sum).to.equal((total * (total - 1)) / 2)
      expect(await new Promise((resolve) => child.once('close', resolve))).to.equal(0)
    }
  })

  it('goes on in a raw sendmsg that waits', async () => {
    const [a, b] = socketpair('seqpacket')
    const receiver = b.receiver<string>()
    const packet = Buffer.alloc(10)
    packet.writeBigUInt64LE(2n)
    packet.write('""', 8)
    let state = watch(Promise.resolve())
    let last = Promise.resolve(0)
    do {
      last = sendmsg(a, packet)
      state = watch(last)
      await turns()
    } while (state.settled)
    await receiver.recv()
    expect(await last).to.equal(10)
    a.close()
    await collect(receiver)
  })

  it('costs next to no processor time, and nothing in JavaScript, however many wait; all go on', async function () {
    this.timeout(30_000)
    const ends = range(250).map(() => open<string>())
    const counts = ends.map(([sender]) => fill(sender, () => textOf(30_000)))
    const sends = ends.map(([sender]) => sender.send('one more'))
    await turns()
    const began = process.cpuUsage()
    const calls = await countCalls(() => new Promise((resolve) => setTimeout(resolve, 1000)))
    const { user, system } = process.cpuUsage(began)
    expect(calls.sendmsg).to.equal(0)
    // Two hundredths of a core, as measured; one that polls has all of it.
    expect((user + system) / 1e6).to.be.below(0.25)
    for (const [, receiver] of ends) receiver.recvSync()
    await Promise.all(sends)
    for (const [index, [sender, receiver]] of ends.entries()) {
      sender.close()
      expect(await collect(receiver)).to.have.lengthOf(counts[index] as number)
    }
  })

  it('ends with its thread, and keeps the process alive only while it is referenced', async () => {
    const run = async (body: string) => {
      const code = `
        import { channel, Sender } from ${JSON.stringify(import.meta.resolve('wormhole-ipc'))}
        const [sender, receiver] = channel()
        while (sender.trySend(1));
        ${body}`
      const { stdout, stderr, code: status } = await start(process.execPath, ['--input-type=module', '-e', code]).ended
      expect([stderr, status]).to.deep.equal(['', 0])
      return stdout
    }
    expect(
      await run('setTimeout(() => receiver.recvSync(), 50).unref(); await sender.send(2); console.log("sent")')
    ).to.equal('sent\n')
    await run('sender.unref(); void sender.send(2)')
    await run(`
      const { Worker } = await import('node:worker_threads')
      const source = \`
        const { Sender } = require(process.argv[2])
        const { parentPort } = require('node:worker_threads')
        const sender = Sender.fromFd(Number(process.argv[3]))
        for (let count = 0; count < 100; count++) void sender.send(count)
        setTimeout(() => parentPort.postMessage('up'), 50)\`
      const worker = new Worker(source, { eval: true, execArgv: [], argv: [${JSON.stringify(fileURLToPath(import.meta.resolve('wormhole-ipc')))}, sender.detach()] })
      worker.once('message', () => worker.terminate())
      await new Promise((resolve) => worker.once('exit', resolve))
      receiver.close()`)
  })

  it('is given a share beside a process that sends without a pause', async function () {
    this.timeout(120_000)
    const [sender, receiver] = channel<[string, number]>({ coalesce: false })
    const clone = sender.clone()
    const child = fork(fixture('greedy-sender'), [], { channels: { output: clone } })
    let [ours, theirs] = [0, 0]
    let over = false
    const shared = () => Math.min(ours, theirs) >= 150
    const sending = (async () => {
      for (let index = 0; !over; index++) await sender.send(['ours', index])
    })()
    // A busy machine may give one of the processes no time for that long: then the next messages are looked at.
    for (let tries = 0; tries < MAX_TRIES && !shared(); tries++) {
      ours = theirs = 0
      // A reader that takes some time for each.
      while (ours + theirs < 3000) {
        const [who] = await receiver.recv()
        if (who === 'ours') ours++
        else theirs++
        if ((ours + theirs) % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    over = true
    child.kill()
    for await (const message of receiver) {
      void message
      if (sender.closed) continue
      void sending.then(() => sender.close())
    }
    expect(ours).to.be.at.least(150)
    expect(theirs).to.be.at.least(150)
  })
})

describe('a call that blocks', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('first hands over what its thread has sent and not awaited (recvSync)', async () => {
    const [sender, receiver] = open<number>()
    void sender.send(1)
    expect(receiver.recvSync({ timeout: 5000 })).to.equal(1)
    void sender.sendWithFds(2, [0])
    expect(receiver.recvWithFdsSync({ timeout: 5000 })[1].map((fd) => fd.close())).to.have.lengthOf(1)
    void sender.sendAll([3])
    expect(receiver.recvSync({ timeout: 5000 })).to.equal(3)
    const long = textOf(3_000_000)
    const [longs, texts] = open<string>()
    void longs.send(long)
    expect(texts.recvSync({ timeout: 5000 }) === long).to.equal(true)
  })

  it('does so for all senders of the thread, and goes on with them while it waits (recvSync, sendSync)', async function () {
    this.timeout(30_000)
    const [requests, childReads] = channel<number>()
    const [childSends, answers] = channel<number>()
    const child = fork(fixture('one-step'), ['sync'], { channels: { input: childReads, output: childSends } })
    const total = 2000
    // More than the channel holds: what is left goes on while the answers are waited for.
    for (let index = 0; index < total; index++) void requests.send(index)
    requests.close()
    for (let index = 0; index < total; index++) expect(answers.recvSync({ timeout: 10_000 })).to.equal(index)
    await new Promise((resolve) => child.once('close', resolve))
    answers.close()
  })

  it('tries once more before its time is over, and then gives up (sendSync)', () => {
    const [sender, receiver] = open<string>()
    fill(sender, () => 'x')
    throwsCode(() => sender.sendSync('late', { timeout: 30 }), 'ERR_WORMHOLE_TIMEOUT')
    receiver.recvSync()
    sender.sendSync('late', { timeout: 0 })
  })
})
