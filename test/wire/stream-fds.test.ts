import { expect } from 'chai'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { frame, frames, HEADER_BYTES } from '../helpers/reference-framer.js'

const LIMIT = 20
/** A descriptor that is there to be sent. */
const STDERR = 2

describe('framing: descriptors among the pieces of a byte stream', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  /** The next message and how many descriptors came with it, which are closed. */
  async function next(peer: BarePeer): Promise<[unknown, number]> {
    const [message, fds] = await peer.receiver.recvWithFds()
    for (const owned of fds) owned.close()
    return [message, fds.length]
  }

  const message = frame('"message"')

  it('gives a message what comes with its beginning, wherever it is cut', async () => {
    for (let cut = 1; cut < message.length; cut++) {
      const peer = keep(new BarePeer(socket.SOCK_STREAM))
      const before = openDescriptors()
      peer.write(Buffer.concat([frames(['1', '2']), message.subarray(0, cut)]), [STDERR])
      expect(peer.drain()).to.deep.equal([{ value: 1 }, { value: 2 }])
      peer.write(Buffer.concat([message.subarray(cut), frame('"next"')]))
      expect(await next(peer), `cut at ${cut}`).to.deep.equal(['message', 1])
      expect(await next(peer), `cut at ${cut}`).to.deep.equal(['next', 0])
      expect(openDescriptors(), `cut at ${cut}`).to.equal(before)
    }
  })

  it('gives a message what comes with both of its parts, wherever it is cut', async () => {
    for (let cut = 1; cut < message.length; cut++) {
      const peer = keep(new BarePeer(socket.SOCK_STREAM))
      const before = openDescriptors()
      peer.write(message.subarray(0, cut), [STDERR])
      expect(peer.drain()).to.deep.equal([])
      peer.write(message.subarray(cut), [STDERR, STDERR])
      const received = await next(peer)
      expect(openDescriptors(), `cut at ${cut}`).to.equal(before)
      expect(received, `cut at ${cut}`).to.deep.equal(['message', 3])
    }
  })

  it('closes what comes with the beginning of a message that is refused, wherever it is cut', async () => {
    const refused = frame('x'.repeat(LIMIT + 1))
    const behind = HEADER_BYTES + 3
    for (let cut = 1; cut < behind; cut++) {
      const peer = keep(new BarePeer(socket.SOCK_STREAM, { maxMessageBytes: LIMIT }))
      const before = openDescriptors()
      peer.write(refused.subarray(0, cut), [STDERR])
      const outcomes = peer.drain()
      for (const piece of [refused.subarray(cut, behind), refused.subarray(behind), frame('"next"')]) {
        outcomes.push(...peer.drain())
        peer.write(piece)
      }
      expect(outcomes, `cut at ${cut}`).to.deep.equal([{ code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined }])
      expect(await next(peer), `cut at ${cut}`).to.deep.equal(['next', 0])
      expect(openDescriptors(), `cut at ${cut}`).to.equal(before)
    }
  })

  it('closes what comes with the beginning of a message that breaks off', () => {
    for (const cut of [1, HEADER_BYTES, HEADER_BYTES + 1]) {
      const peer = keep(new BarePeer(socket.SOCK_STREAM))
      peer.write(message.subarray(0, cut), [STDERR])
      expect(peer.drain()).to.deep.equal([])
      peer.end()
      expect(peer.drain().map((outcome) => 'code' in outcome && outcome.code)).to.deep.equal([
        'ERR_WORMHOLE_TRUNCATED',
        'ERR_WORMHOLE_DISCONNECTED',
      ])
    }
  })
})
