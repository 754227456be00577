import { once } from 'node:events'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range, textOf, turns } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'

describe('writable', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('ends a pipeline: every chunk is a message, and the end closes the sender', async () => {
    const [sender, receiver] = open<{ n: number }>()
    const double = new Transform({
      objectMode: true,
      transform: (n: number, _encoding, done) => done(null, { n: 2 * n }),
    })
    const received = collect(receiver)
    await pipeline(Readable.from(range(5000)), double, sender.writable())
    expect(sender.closed).to.equal(true)
    expect(await received).to.deep.equal(range(5000).map((n) => ({ n: 2 * n })))
  })

  it('waits while the channel is full', async () => {
    const [sender, receiver] = open<string>()
    let produced = 0
    const done = pipeline(
      range(2000).map((index) => textOf(1000) + index),
      async function* (texts: Iterable<string>) {
        for (const text of texts) {
          produced++
          yield text
        }
      },
      sender.writable()
    )
    for (let before = -1; before < produced; await turns()) before = produced
    expect(produced).to.be.within(1, 1000)
    expect(await collect(receiver)).to.have.lengthOf(2000)
    await done
  })

  it('fails a pipeline at a chunk that cannot be sent; those before it are sent', async () => {
    const [sender, receiver] = open<unknown>()
    await rejectsCode(pipeline(Readable.from([1, 2, 3n, 4]), sender.writable()), 'ERR_WORMHOLE_UNSERIALIZABLE')
    expect(await collect(receiver)).to.deep.equal([1, 2])
  })

  it('fails a pipeline when every receiving end is gone', async () => {
    const [sender, receiver] = open<number>()
    receiver.close()
    await rejectsCode(pipeline(Readable.from(range(10)), sender.writable()), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('closes the sender when the pipeline breaks off; what it has handed over arrives', async () => {
    const [sender, receiver] = open<number>()
    const broken = new Error('the source broke')
    async function* source(): AsyncGenerator<number> {
      yield* [1, 2]
      throw broken
    }
    expect(await reasonOf(pipeline(source, sender.writable()))).to.equal(broken)
    throwsCode(() => void sender.send(3), 'ERR_WORMHOLE_CLOSED')
    // A stream that is destroyed drops the chunks it has not handed on.
    expect([[1], [1, 2]]).to.deep.include(await collect(receiver))
  })

  it('fails without another chunk, if the kernel does not take what it has accepted', async () => {
    const [sender, receiver] = open<number>()
    const stream = sender.writable()
    const failed = once(stream, 'error')
    const accepted = new Promise<unknown>((resolve) => stream.write(1, resolve))
    receiver.close()
    expect(await accepted).to.be.oneOf([null, undefined])
    expect(await failed).to.have.nested.property('[0].code', 'ERR_WORMHOLE_DISCONNECTED')
    expect(sender.closed).to.equal(true)
  })

  it('has finished once the kernel has every chunk', async () => {
    const [sender, receiver] = open<number>()
    const stream = sender.writable()
    for (const n of range(1000)) stream.write(n)
    stream.end()
    await once(stream, 'finish')
    expect(sender.stats()).to.include({ messages: 1000, queued: 0 })
    expect(await collect(receiver)).to.deep.equal(range(1000))
  })

  it('lets timers run while nothing holds it up', async () => {
    const [sender, receiver] = open<number>()
    const received = collect(receiver)
    let timers = 0
    const timer = setInterval(() => timers++, 1)
    await pipeline(range(100_000), sender.writable())
    clearInterval(timer)
    expect(timers).to.be.greaterThan(0)
    expect(await received).to.have.lengthOf(100_000)
  })

  it('connects channels: a receiver is a source of a pipeline', async () => {
    const [sender, between] = open<number>()
    const [forward, receiver] = open<unknown>()
    const received = collect(receiver)
    const piping = pipeline(between, forward.writable())
    await sender.sendAll(range(10_000))
    sender.close()
    await piping
    expect(await received).to.deep.equal(range(10_000))
  })

  it('takes nothing from a receiver whose stream is destroyed', async () => {
    const [sender, receiver] = open<number>()
    const source = Readable.from(receiver)
    const chunks: number[] = []
    source.on('data', (chunk: number) => void chunks.push(chunk))
    await sender.send(1)
    while (chunks.length === 0) await turns()
    source.destroy()
    await turns()
    await sender.send(2)
    expect(await receiver.recv()).to.equal(2)
  })
})
