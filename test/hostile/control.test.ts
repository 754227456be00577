import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { Receiver, WormholeError } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import type { Child } from '../helpers/child.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { textOf } from '../helpers/files.js'
import { range } from '../helpers/fill.js'
import { reports, startPeer } from '../helpers/peer.js'
import { rawPair } from '../helpers/raw.js'
import { usesChildren } from '../helpers/uses-children.js'

/** A message and what its files hold, or the code of a failure. */
type Arrival = [message: unknown, ...texts: string[]]

/** So many files, each of which holds its place. */
function files(count: number): string[] {
  return range(count).map(String)
}

const twice: Arrival[] = [
  ['twice', ...files(3)],
  ['with nothing between', ...files(3)],
  ['as many as fit', ...files(socket.SCM_MAX_FD)],
  ['last'],
]
const credentials: Arrival[] = [['before', ...files(2)], ['between', ...files(2)], ['alone'], ['last']]
const packetsOnly: Arrival[] = [['ERR_WORMHOLE_MALFORMED'], ['beside a long one', ...files(socket.SCM_MAX_FD - 1)]]

const types = [
  ['packets', socket.SOCK_SEQPACKET],
  ['a byte stream', socket.SOCK_STREAM],
] as const

describe('hostile: control messages', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()

  /** Starts the peer, which has both ends. */
  function start(what: string, type: number): [Receiver, Child] {
    const [sending, receiving] = rawPair(type)
    const peer = startPeer('hostile', [what], [sending, receiving])
    closeSync(sending)
    return [keep(Receiver.fromFd(receiving)), peer]
  }

  /** All that arrives; whenever nothing is held here, no more descriptors are open than at the beginning. */
  async function arrivals(what: string, type: number): Promise<Arrival[]> {
    const [receiver, peer] = start(what, type)
    const list: Arrival[] = []
    const before = openDescriptors()
    try {
      for (;;) {
        try {
          const [message, fds] = await receiver.recvWithFds()
          const texts = fds.map(textOf)
          for (const fd of fds) fd.close()
          list.push([message, ...texts])
        } catch (error) {
          if (!(error instanceof WormholeError) || error.code === 'ERR_WORMHOLE_CLOSED') throw error
          if (error.code === 'ERR_WORMHOLE_DISCONNECTED') break
          list.push([error.code])
        }
        // A read of a stream may bring several messages. The peer's own pipes may close meanwhile.
        if (receiver.stats().queued === 0) expect(openDescriptors()).to.be.at.most(before)
      }
    } finally {
      await reports(peer)
    }
    return list
  }

  for (const [name, type] of types) {
    it(`with descriptors in several of them: all arrive, in order (${name})`, async () => {
      expect(await arrivals('rights_twice', type)).to.deep.equal(twice)
    })

    it(`with credentials beside descriptors: the descriptors arrive (${name})`, async () => {
      expect(await arrivals('credentials_beside', type)).to.deep.equal(credentials)
    })

    it(`of all kinds that the kernel can be made to add: only the descriptors arrive (${name})`, async () => {
      const only = type === socket.SOCK_SEQPACKET ? packetsOnly : []
      const expected = [...credentials, ...twice, ...only, ['the very last']]
      expect(await arrivals('everything_on', type)).to.deep.equal(expected)
    })

    it(`of kinds that there are not: the kernel refuses them or drops them (${name})`, async () => {
      expect(await arrivals('unknown_control', type)).to.deep.equal([['levels', ...files(1)], ['last']])
    })
  }

  it('and an urgent byte between those of a stream: it is passed over', async () => {
    expect(await arrivals('urgent', socket.SOCK_STREAM)).to.deep.equal([['urgent'], ['last']])
  })

  it('and an urgent byte behind all others of a stream: it does not keep the end from coming', async () => {
    expect(await arrivals('urgent_at_the_end', socket.SOCK_STREAM)).to.deep.equal([['last']])
  })

  it('and an urgent byte within a side stream, or in place of its rest: it is passed over', async () => {
    const expected = [['aside'], ['ERR_WORMHOLE_TRUNCATED'], ['last']]
    expect(await arrivals('urgent_aside', socket.SOCK_SEQPACKET)).to.deep.equal(expected)
  })

  it('and a side stream that another reads and shuts: its message breaks off alone', async () => {
    expect(await arrivals('read_aside', socket.SOCK_SEQPACKET)).to.deep.equal([['ERR_WORMHOLE_TRUNCATED'], ['last']])
  })
})
