import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { select } from 'wormhole-ipc'
import { memoryBytes } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range, turns } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { reasonOf } from '../helpers/reason.js'
import { frame, type Outcome } from '../helpers/reference-framer.js'

const PAYLOAD = Buffer.from('"a long message, or so it says"')
const MESSAGE = JSON.parse(PAYLOAD.toString())
const TOO_LARGE: Outcome = { code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined }
/** What each of many long messages says that it has, within what the receiver takes. */
const PROMISED = 64 * 2 ** 20
/** A descriptor that is there to be sent. */
const STDERR = 2

describe('hostile: a side stream', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()
  let peer: BarePeer
  /** Writing ends of side streams. */
  let writing: number[] = []
  beforeEach(() => {
    peer = keep(new BarePeer(socket.SOCK_SEQPACKET))
  })
  afterEach(() => {
    for (const fd of writing) closeSync(fd)
    writing = []
  })

  /** Sends the header of a long message; the writing end of its side stream. */
  function begin(length = BigInt(PAYLOAD.length), to = peer): number {
    const [side, reading] = rawPair(socket.SOCK_STREAM)
    writing.push(side)
    to.write(frame('', length), [reading])
    closeSync(reading)
    return side
  }

  function end(side: number): void {
    writing.splice(writing.indexOf(side), 1)
    closeSync(side)
  }

  it('that is closed early spoils its own message only, wherever it breaks off', async () => {
    for (let length = 0; length < PAYLOAD.length; length++) {
      const side = begin()
      if (length > 0) rawSend(side, PAYLOAD.subarray(0, length))
      end(side)
      peer.write(frame('"next"'))
      await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
      expect(await peer.receiver.recv(), `${length} bytes`).to.equal('next')
    }
    peer.end()
    await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('that brings too much is read to the end of its message and closed', () => {
    for (const extra of [1, 8, 100_000]) {
      const side = begin()
      rawSend(side, Buffer.concat([PAYLOAD, Buffer.alloc(extra, '"')]))
      peer.write(frame('"next"'))
      expect(peer.drain(), `${extra} bytes`).to.deep.equal([{ value: MESSAGE }, { value: 'next' }])
      expect(socket.hungUp(side), 'nobody reads it any longer').to.equal(true)
    }
  })

  it('that promises more than is allowed is closed before it is read', () => {
    for (const power of [27n, 29n, 31n, 32n, 53n, 63n, 64n]) {
      for (const length of [2n ** power - 1n, 2n ** power, 2n ** power + 1n]) {
        if (length >= 2n ** 64n) continue
        const side = begin(length)
        rawSend(side, PAYLOAD)
        peer.write(frame('"next"'))
        expect(peer.drain(), `${length} bytes`).to.deep.equal([TOO_LARGE, { value: 'next' }])
        expect(socket.hungUp(side), 'nobody reads it any longer').to.equal(true)
      }
    }
  })

  it('may bring its message byte by byte, each with as many descriptors as fit: they are closed', async () => {
    const side = begin()
    const before = openDescriptors()
    const received = peer.receiver.recvWithFds()
    for (const byte of PAYLOAD) {
      rawSend(side, Buffer.of(byte), Array<number>(socket.SCM_MAX_FD).fill(STDERR))
      await turns()
      // The side stream's own is one more.
      expect(openDescriptors()).to.be.at.most(before + 1)
    }
    expect(await received).to.deep.equal([MESSAGE, []])
  })

  describe('that brings nothing for ever', () => {
    it('holds a receive up until that is aborted, and the message is not lost', async () => {
      const side = begin()
      peer.write(frame('"next"'))
      const abort = new AbortController()
      let settled = false
      const waiting = peer.receiver.recv({ signal: abort.signal }).finally(() => {
        settled = true
      })
      await turns()
      expect([settled, peer.receiver.tryRecv()]).to.deep.equal([false, undefined])
      abort.abort('enough')
      expect(await reasonOf(waiting)).to.equal('enough')
      throwsCode(() => peer.receiver.recvSync({ timeout: 0 }), 'ERR_WORMHOLE_TIMEOUT')
      throwsCode(() => peer.receiver.detach(), 'ERR_WORMHOLE_PENDING')
      rawSend(side, PAYLOAD)
      expect(peer.drain()).to.deep.equal([{ value: MESSAGE }, { value: 'next' }])
    })

    it('does not hold other receivers of the channel up', async () => {
      begin()
      const other = keep(peer.receiver.clone())
      const stalled = reasonOf(peer.receiver.recv())
      const waiting = other.recv()
      await turns()
      for (const index of range(100)) peer.write(frame(String(index)))
      expect(await waiting).to.equal(0)
      for (const index of range(99)) expect(await other.recv()).to.equal(index + 1)
      peer.receiver.close()
      expect(await stalled).to.include({ code: 'ERR_WORMHOLE_CLOSED' })
    })

    it('does not hold other channels of a select up, nor timers', async () => {
      begin()
      const [sender, receiver] = open<string>()
      for (const _ of range(10)) {
        const picked = select({ stalled: peer.receiver, other: receiver })
        await new Promise((resolve) => setTimeout(resolve, 0))
        await sender.send('another')
        expect(await picked).to.deep.equal(['other', 'another'])
      }
    })

    it('is left behind by a clone, when the receiver that has begun it is closed', async () => {
      const side = begin()
      expect(peer.receiver.tryRecv()).to.equal(undefined)
      peer.write(frame('"next"'))
      const other = keep(peer.receiver.clone())
      peer.receiver.close()
      expect(await other.recv()).to.equal('next')
      expect(socket.hungUp(side), 'nobody reads it any longer').to.equal(true)
    })

    it('outlives the channel, whose end comes behind it', async () => {
      const side = begin()
      const waiting = peer.receiver.recv()
      peer.end()
      await turns()
      expect(peer.receiver.closed).to.equal(false)
      end(side)
      await rejectsCode(waiting, 'ERR_WORMHOLE_TRUNCATED')
      await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    })

    it('takes no memory for what it promises', () => {
      const peers = range(50).map(() => keep(new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: PROMISED })))
      const before = memoryBytes()
      for (const each of peers) {
        rawSend(begin(BigInt(PROMISED), each), PAYLOAD)
        expect(each.receiver.tryRecv()).to.equal(undefined)
      }
      expect(memoryBytes() - before, 'less than a single one promises').to.be.below(PROMISED)
    })
  })
})
