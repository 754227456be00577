import { expect } from 'chai'
import { memoryBytes } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { quietErrors } from '../helpers/quiet-errors.js'
import { frame, frames, HEADER_BYTES, type Outcome } from '../helpers/reference-framer.js'

const types = [
  ['packets', socket.SOCK_SEQPACKET],
  ['a byte stream', socket.SOCK_STREAM],
] as const

const FRAMES = sized(30_000, 100_000)

describe(`hostile: ${FRAMES} tiny frames`, () => {
  quietErrors()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  /** As many as fit into a packet of a stock system. */
  const AT_ONCE = 10_000

  for (const [name, type] of types) {
    it(`arrive, each in its place, and leave no memory behind (${name})`, () => {
      const peer = keep(new BarePeer(type))
      let before = 0
      for (let from = 0; from < FRAMES; from += AT_ONCE) {
        const digits = range(AT_ONCE).map((index) => (from + index) % 7)
        peer.write(frames(digits.map(String)))
        expect(peer.drain().map((outcome) => 'value' in outcome && outcome.value)).to.deep.equal(digits)
        before ||= memoryBytes()
      }
      expect(peer.receiver.stats()).to.include({ messages: FRAMES, queued: 0 })
      expect(memoryBytes()).to.equal(before)
    })

    it(`that are empty fail, each alone (${name})`, () => {
      const peer = keep(new BarePeer(type))
      for (let from = 0; from < FRAMES; from += AT_ONCE) {
        peer.write(Buffer.alloc(AT_ONCE * HEADER_BYTES))
        const codes = peer.drain().map((outcome) => 'code' in outcome && outcome.code)
        expect(codes.length).to.equal(AT_ONCE)
        expect(new Set(codes)).to.deep.equal(new Set(['ERR_WORMHOLE_MALFORMED']))
      }
      peer.write(frame('"next"'))
      expect(peer.drain()).to.deep.equal([{ value: 'next' }])
    })
  }
})

describe('hostile: as many descriptors as fit with every packet', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const PACKETS = sized(300, 1000)
  const every = Array<number>(socket.SCM_MAX_FD).fill(2)
  const lost: Outcome = { code: 'ERR_WORMHOLE_FDS_TRUNCATED', received: 'in pieces' }

  for (const [name, type] of types) {
    it(`are closed when nobody takes them, whatever becomes of the message (${name})`, () => {
      const peer = keep(new BarePeer(type, { maxMessageBytes: 10 }))
      const before = openDescriptors()
      for (const index of range(PACKETS)) {
        const bytes = [frame('1'), frame('x'), frame(Buffer.of(0xff)), frame('"longer than ten"'), frame('')][index % 5]
        peer.write(bytes as Buffer, every)
        expect(peer.drain().length).to.equal(1)
        expect(openDescriptors()).to.equal(before)
      }
    })

    it(`are closed by their taker, and no more are open than those of one message (${name})`, async () => {
      const peer = keep(new BarePeer(type))
      const before = openDescriptors()
      for (const index of range(PACKETS / 10)) {
        peer.write(frame(String(index)), every)
        peer.write(frame(String(index)), every)
        const [message, fds] = await peer.receiver.recvWithFds()
        expect([message, fds.length]).to.deep.equal([index, every.length])
        expect(openDescriptors()).to.equal(before + every.length)
        for (const fd of fds) fd.close()
        expect(await peer.receiver.recv()).to.equal(index)
        expect(openDescriptors()).to.equal(before)
      }
    })
  }

  it('are not piled up with the pieces of one message, which fails with what it says', () => {
    const peer = keep(new BarePeer(socket.SOCK_STREAM))
    const before = openDescriptors()
    const message = frame('"in pieces"')
    const outcomes: Outcome[] = []
    for (const byte of message) {
      peer.write(Buffer.of(byte), every)
      outcomes.push(...peer.drain())
      expect(openDescriptors()).to.be.at.most(before + every.length)
    }
    expect(outcomes).to.deep.equal([lost])
    peer.write(frame('"next"'))
    expect(peer.drain()).to.deep.equal([{ value: 'next' }])
    expect(openDescriptors()).to.equal(before)
  })

  it('are closed with packets that are empty', () => {
    const peer = keep(new BarePeer(socket.SOCK_SEQPACKET))
    const before = openDescriptors()
    for (const index of range(PACKETS)) {
      peer.write(Buffer.alloc(0), every)
      if (index % 10 === 0) peer.write(frame('"next"'))
      expect(peer.drain()).to.deep.equal(index % 10 === 0 ? [{ value: 'next' }] : [])
      expect(openDescriptors()).to.equal(before)
    }
  })
})
