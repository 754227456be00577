import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import type { DiagnosticsEvents } from 'wormhole-ipc'
import { SOCK_SEQPACKET, SOCK_STREAM } from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { fixture, start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { sized } from '../helpers/long.js'
import { measured } from '../helpers/measured.js'
import { decodePacket, frames } from '../helpers/reference-framer.js'
import { usesChildren } from '../helpers/uses-children.js'

interface Figures {
  /** Of processor time, for the calls that take one message. */
  milliseconds: number
  /** Of memory, once all garbage is collected. */
  bytes: number
}

/** Payloads by what is wrong with them, each with a good one that is no longer: of all frames, or of all and the last. */
const kinds: Record<string, { bad: string[]; good: string }> = {
  'empty frames': { bad: [''], good: '1' },
  'frames that are not JSON': { bad: ['x'], good: '1' },
  'frames that are not UTF-8': { bad: ['\xff'], good: '1' },
  'frames that open a bracket': { bad: ['['], good: '1' },
  'frames over the limit': { bad: ['1'.repeat(65)], good: '1' },
  'one bad frame behind good ones': { bad: ['1', 'x'], good: '1' },
  'one bad frame before good ones': {
    bad: ['{"id":1234567,"name":"one of many"}', '{'],
    good: '{"id":1234567,"name":"one of many"}',
  },
}

/** What a stock packet holds of frames with the longest payload above. */
const FEW = 2900
/** The longest packet that Linux makes holds so many frames of one byte; of a limit that may not be raised, fewer. */
const MANY = sized(150_000, 450_000)
const LITTLE_HEAP = '--max-old-space-size=64'
/** Below these a difference says nothing. */
const MIN_MILLISECONDS = 50
const MIN_BYTES = 2 * 1024 * 1024

function run(payloads: string[], count: number, packets = 1): Promise<Figures> {
  const args = [JSON.stringify(payloads), String(count), String(packets)]
  return measured<Figures>(start(process.execPath, ['--expose-gc', LITTLE_HEAP, fixture('bad-packets'), ...args]))
}

describe('a packet of bad frames', () => {
  usesChildren()
  leavesNoDescriptors()

  const costs = new Map<string, Promise<Figures>>()
  /** Measured once for all kinds that are compared with it. */
  function costOfGood(good: string, count: number): Promise<Figures> {
    const key = `${count} ${good}`
    const cost = costs.get(key) ?? run([good], count)
    costs.set(key, cost)
    return cost
  }

  for (const [what, { bad, good }] of Object.entries(kinds)) {
    it(`costs at most three times what as many good ones do, however many there are: ${what}`, async () => {
      const count = (bad[0] as string).length <= 1 && process.getuid?.() === 0 ? MANY : FEW
      const [hostile, harmless] = await Promise.all([run(bad, count), costOfGood(good, count)])
      expect(hostile.milliseconds).to.be.below(3 * harmless.milliseconds + MIN_MILLISECONDS)
      expect(hostile.bytes).to.be.below(3 * harmless.bytes + MIN_BYTES)
    })
  }

  it('is not kept by the error of one of its frames', async () => {
    for (const payload of ['{"id":1234567,"name":"this is not JSON', '\xff'.repeat(30), '1'.repeat(65)]) {
      const packets = sized(40, 100)
      const { bytes } = await run([payload], FEW, packets)
      expect(bytes, payload).to.be.below((packets * FEW * payload.length) / 4)
    }
  })

  it('makes one error for each that is taken, and tells of no other', async () => {
    const told: unknown[] = []
    const listener = (event: unknown) => told.push((event as DiagnosticsEvents['wormhole-ipc:error']).error)
    subscribe('wormhole-ipc:error', listener)
    using peer = new BarePeer(SOCK_SEQPACKET)
    try {
      peer.write(frames(Array<string>(20_000).fill('')))
      const taken: unknown[] = []
      for (let count = 0; count < 3; count++) taken.push(await peer.receiver.recv().catch((error: unknown) => error))
      expect(told).to.deep.equal(taken)
      expect(new Set(told).size).to.equal(3)
      expect(peer.receiver.stats()).to.include({ messages: 3, queued: 19_997 })
      await peer.receiver
        .batches()
        .next()
        .catch((error: unknown) => taken.push(error))
      expect(told).to.have.length(4)
      expect(told.at(-1)).to.equal(taken.at(-1))
    } finally {
      unsubscribe('wormhole-ipc:error', listener)
    }
  })

  it('gives each good frame among the bad ones, in order and whole, by packets and by a byte stream', () => {
    const some = ['1', '{"a":[1,2]}', '"é"', `"${'x'.repeat(700)}"`, 'null']
    const wrong = ['', 'x', '[', '\xff', '{"a":', '1'.repeat(1001), ']', '1,2']
    for (const type of [SOCK_SEQPACKET, SOCK_STREAM]) {
      for (const every of [1, 2, 3, 63, 64, 65, 130, 400]) {
        using peer = new BarePeer(type, { maxMessageBytes: 1000 })
        const payloads = Array.from({ length: 400 }, (_, index) =>
          Buffer.from(
            (index + 1) % every === 0
              ? (wrong[((index / every) % wrong.length) | 0] as string)
              : (some[index % some.length] as string),
            index % some.length === 2 && (index + 1) % every !== 0 ? 'utf8' : 'latin1'
          )
        )
        const packet = frames(payloads)
        peer.write(packet)
        expect(peer.drain(), `${every}`).to.deep.equal(decodePacket(packet, 1000).outcomes)
      }
    }
  })

  it('costs nothing for what an iteration that stops early leaves, and close() drops that', async () => {
    using peer = new BarePeer(SOCK_SEQPACKET)
    peer.write(frames(['1', '2', ...Array<string>(20_000).fill('x')]))
    const seen: unknown[] = []
    for await (const message of peer.receiver) {
      seen.push(message)
      if (seen.length === 2) break
    }
    expect(seen).to.deep.equal([1, 2])
    expect(peer.receiver.stats()).to.include({ messages: 2, queued: 20_000 })
    peer.receiver.close()
    expect(peer.receiver.stats()).to.include({ messages: 2, queued: 0 })
  })
})
