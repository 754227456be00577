import { expect } from 'chai'
import fc from 'fast-check'
import { type Receiver, WormholeError } from 'wormhole-ipc'
import { memoryBytes } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { turn } from '../helpers/fill.js'
import { lengths, payload } from '../helpers/hostile-packets.js'
import { LONG, MAX_MS, SEED, tried } from '../helpers/long.js'
import { frame, frames, type Outcome, StreamDecoder } from '../helpers/reference-framer.js'

const LIMIT = 300
/** What WebAssembly memory may grow by, however many streams there were. */
const MAX_GROWTH = 2 ** 20

/** Frames, some of which say that they are longer or shorter than they are. */
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: payload.map((bytes) => frame(bytes)) },
      { weight: 1, arbitrary: fc.tuple(payload, lengths).map(([bytes, length]) => frame(bytes, length)) },
      { weight: 1, arbitrary: fc.array(payload, { maxLength: 5 }).map(frames) }
    ),
    { minLength: 1, maxLength: 8 }
  )
  .map((pieces) => Buffer.concat(pieces))

/** Where it is torn, in thousandths of its length. */
const tears = fc.uniqueArray(fc.nat(1000), { maxLength: 12 })

/** Everything that a receiver gets which waits before anything is there, up to the end. */
async function receiveAll(receiver: Receiver): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (;;) {
    try {
      outcomes.push({ value: await receiver.recv() })
    } catch (error) {
      if (!(error instanceof WormholeError) || error.code === 'ERR_WORMHOLE_CLOSED') throw error
      outcomes.push({ code: error.code, received: error.received })
      if (error.code === 'ERR_WORMHOLE_DISCONNECTED') return outcomes
    }
  }
}

async function expectTorn(bytes: Buffer, cuts: readonly number[]): Promise<void> {
  const peer = new BarePeer(socket.SOCK_STREAM, { maxMessageBytes: LIMIT })
  const reference = new StreamDecoder(LIMIT)
  try {
    const received = receiveAll(peer.receiver)
    let at = 0
    for (const cut of [...cuts, bytes.length]) {
      if (cut === at) continue
      // Once its framing is lost the receiver has closed its end.
      if (peer.receiver.fd < 0) break
      peer.write(bytes.subarray(at, cut))
      at = cut
      await turn()
    }
    peer.end()
    expect(await received).to.deep.equal([...reference.push(bytes), ...reference.end()])
  } finally {
    peer[Symbol.dispose]()
  }
}

describe('hostile: a byte stream torn anywhere', () => {
  leavesNoDescriptors()

  it('brings a receiver that waits what the reference reads of it', async function () {
    this.timeout(MAX_MS)
    const streams = LONG ? 20_000 : 250
    let before = 0
    await fc.assert(
      fc.asyncProperty(stream, tears, async (bytes, places) => {
        const cuts = places.map((place) => Math.floor((bytes.length * place) / 1000)).sort((a, b) => a - b)
        await expectTorn(bytes, cuts)
        before ||= memoryBytes()
      }),
      { seed: SEED, numRuns: streams }
    )
    expect(memoryBytes() - before, 'growth of memory').to.be.at.most(MAX_GROWTH)
    tried(streams, 'torn streams')
  })

  it('brings it at every place where a stream may be torn, and torn again in the long form', async function () {
    this.timeout(MAX_MS)
    const bytes = Buffer.concat([
      frames(['1', '"é\u{1f600}"', '', '[1', '2]']),
      frame(Buffer.of(0x22, 0xf0, 0x9f, 0x98, 0x22)),
      frame('x'.repeat(LIMIT + 1)),
      frames(['\ufeff', '"last"']),
    ])
    let count = 0
    for (let first = 1; first < bytes.length; first++) {
      await expectTorn(bytes, [first])
      count++
      for (let second = first + 1; LONG && second < bytes.length; second += 7) {
        await expectTorn(bytes, [first, second])
        count++
      }
    }
    tried(count, 'torn streams')
  })
})
