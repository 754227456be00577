import { expect } from 'chai'
import fc from 'fast-check'
import { type Receiver, WormholeError } from 'wormhole-ipc'
import { memoryBytes } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { type Attack, attack } from '../helpers/hostile-packets.js'
import { MAX_MS, SEED, sized, tried } from '../helpers/long.js'
import { frame, type Outcome } from '../helpers/reference-framer.js'

const LIMIT = 300
/** What WebAssembly memory may grow by while hundreds of thousands of packets are received. */
const MAX_GROWTH = 2 ** 20

/** What a receive brought: the message or its failure, and how many descriptors. */
type Arrival = [outcome: Outcome, fds: number]

/** The ways to receive one message. What does not give descriptors has closed them. */
const ways = {
  recv: async (receiver: Receiver): Promise<[unknown, number]> => [await receiver.recv(), 0],
  recvSync: async (receiver: Receiver): Promise<[unknown, number]> => [receiver.recvSync({ timeout: 5000 }), 0],
  iteration: async (receiver: Receiver): Promise<[unknown, number]> => {
    for await (const message of receiver) return [message, 0]
    throw new Error('the iteration has ended')
  },
  recvWithFds: async (receiver: Receiver): Promise<[unknown, number]> => {
    const [message, fds] = await receiver.recvWithFds()
    for (const fd of fds) fd.close()
    return [message, fds.length]
  },
}
const names = Object.keys(ways) as (keyof typeof ways)[]

async function arrivalOf(received: Promise<[unknown, number]>): Promise<Arrival> {
  try {
    const [value, fds] = await received
    return [{ value }, fds]
  } catch (error) {
    if (!(error instanceof WormholeError)) throw error
    return [{ code: error.code, received: error.received }, 0]
  }
}

/** Attacks one receiver after the other; each attack ends as it must, and the next one meets the same receiver. */
async function expectOutcomes(attacks: readonly Attack[], way: keyof typeof ways, waits: boolean): Promise<void> {
  const peer = new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: LIMIT })
  const next = () => arrivalOf(ways[way](peer.receiver))
  try {
    for (const { write, expected } of attacks) {
      const before = openDescriptors()
      const first = waits ? next() : undefined
      write(peer)
      // A packet that nobody sees is followed by one that everybody does.
      if (expected.length === 0) peer.write(VISIBLE)
      const outcomes: readonly Arrival[] = expected.length === 0 ? [[{ value: 0 }, 0]] : expected
      for (const [index, [outcome, fds]] of outcomes.entries()) {
        const arrival = await (index === 0 && first !== undefined ? first : next())
        expect(arrival).to.deep.equal([outcome, way === 'recvWithFds' ? fds : 0])
      }
      expect(peer.receiver.stats().queued).to.equal(0)
      expect(openDescriptors(), 'open descriptors').to.equal(before)
    }
    peer.end()
    await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  } finally {
    peer[Symbol.dispose]()
  }
}

const VISIBLE = frame('0')

describe('hostile: a live receiver and a peer that writes what it likes', () => {
  leavesNoDescriptors()

  for (const way of names) {
    it(`has the promised outcome for each packet that fast-check makes, by ${way}`, async function () {
      this.timeout(MAX_MS)
      const rounds = sized(50, 4000)
      let packets = 0
      const before = memoryBytes()
      await fc.assert(
        fc.asyncProperty(fc.array(attack(LIMIT), { minLength: 1, maxLength: 12 }), fc.boolean(), (attacks, waits) => {
          packets += attacks.length
          return expectOutcomes(attacks, way, waits && way !== 'recvSync')
        }),
        { seed: SEED, numRuns: rounds }
      )
      expect(memoryBytes() - before, 'growth of memory').to.be.at.most(MAX_GROWTH)
      tried(packets, 'attacks on a live receiver')
    })
  }
})
