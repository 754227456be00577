import { closeSync } from 'node:fs'
import { expect } from 'chai'
import type { WormholeErrorCode } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { BarePeer, DISCONNECTED } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { sized } from '../helpers/long.js'
import { Random } from '../helpers/random.js'
import { rawPair } from '../helpers/raw.js'
import { decodePacket, frame, frames, HEADER_BYTES } from '../helpers/reference-framer.js'
import { packet } from '../helpers/soup.js'

const LIMIT = 1000
const PACKETS = sized(1500, 10_000)

describe('framing: hostile packets', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  const header = (length: bigint): Buffer => frame('', length)
  const hostile: [title: string, bytes: Buffer, code: WormholeErrorCode][] = [
    ['one byte', Buffer.alloc(1), 'ERR_WORMHOLE_MALFORMED'],
    ['seven bytes', Buffer.alloc(7, 0xff), 'ERR_WORMHOLE_MALFORMED'],
    ['an empty frame', frame(''), 'ERR_WORMHOLE_MALFORMED'],
    ['a header without its message', header(10n), 'ERR_WORMHOLE_MALFORMED'],
    ['an absurd header without its message', header(2n ** 64n - 1n), 'ERR_WORMHOLE_MALFORMED'],
    ['a frame that ends past its packet', frame('"x"', 4n), 'ERR_WORMHOLE_MALFORMED'],
    ['a frame over the limit that ends past its packet', frame('"x"', BigInt(LIMIT + 1)), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a frame over the limit', frame('1'.repeat(LIMIT + 1)), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length of 2^31', frame('"x"', 2n ** 31n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length of 2^32 + 3', frame('"x"', 2n ** 32n + 3n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length of 2^53', frame('"x"', 2n ** 53n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length of 2^63', frame('"x"', 2n ** 63n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length of 2^64 - 1', frame('"x"', 2n ** 64n - 1n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['a length in the other byte order', frame('"x"', 3n << 56n), 'ERR_WORMHOLE_TOO_LARGE'],
    ['text that is not JSON', frame('x'), 'ERR_WORMHOLE_MALFORMED'],
    ['bytes that are not UTF-8', frame(Buffer.of(0x22, 0xc3, 0x22)), 'ERR_WORMHOLE_MALFORMED'],
  ]
  for (const [title, bytes, code] of hostile) {
    it(`fails alone: ${title}`, () => {
      const peer = keep(new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: LIMIT }))
      peer.write(bytes)
      peer.write(frames(['"the next"', '2']))
      const [failure, ...next] = peer.drain()
      expect(failure).to.include({ code })
      expect(next).to.deep.equal([{ value: 'the next' }, { value: 2 }])
      peer.end()
      expect(peer.drain()).to.deep.equal([DISCONNECTED])
    })

    it(`fails behind messages of the same packet, which arrive: ${title}`, () => {
      const peer = keep(new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: LIMIT }))
      for (const texts of [['1'], ['1', '2']]) {
        peer.write(Buffer.concat([frames(texts), bytes]))
        const outcomes = peer.drain()
        expect(outcomes.slice(0, -1)).to.deep.equal(texts.map((text) => ({ value: JSON.parse(text) })))
        const behind = bytes.length === HEADER_BYTES && code === 'ERR_WORMHOLE_MALFORMED' ? expectedBehind(bytes) : code
        expect(outcomes.at(-1)).to.include({ code: behind })
      }
    })
  }

  /** Behind other frames a bare header announces no side stream: it is a frame that ends past its packet. */
  function expectedBehind(bytes: Buffer): WormholeErrorCode {
    return bytes.readBigUInt64LE() > BigInt(LIMIT) ? 'ERR_WORMHOLE_TOO_LARGE' : 'ERR_WORMHOLE_MALFORMED'
  }

  it('takes a bare header behind a frame over the limit for no long message', () => {
    const [file, side] = rawPair(socket.SOCK_STREAM)
    try {
      for (const [length, code] of [
        [10n, 'ERR_WORMHOLE_MALFORMED'],
        [BigInt(LIMIT + 1), 'ERR_WORMHOLE_TOO_LARGE'],
      ] as const) {
        const peer = keep(new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: LIMIT }))
        const before = openDescriptors()
        peer.write(Buffer.concat([frame('1'.repeat(LIMIT + 1)), header(length)]), [file, side])
        peer.write(frame('"the next"'))
        const codes = peer.drain().map((outcome) => ('code' in outcome ? outcome.code : outcome.value))
        expect(codes).to.deep.equal(['ERR_WORMHOLE_TOO_LARGE', code, 'the next'])
        expect(openDescriptors()).to.equal(before)
      }
    } finally {
      closeSync(file)
      closeSync(side)
    }
  })

  it(`receives ${PACKETS} machine-made packets as the reference reads them`, () => {
    const random = new Random(5)
    const peer = keep(new BarePeer(socket.SOCK_SEQPACKET, { maxMessageBytes: LIMIT }))
    for (let round = 0; round < PACKETS; round++) {
      const bytes = packet(random)
      peer.write(bytes)
      expect(peer.drain(), JSON.stringify(bytes.toString('latin1'))).to.deep.equal(decodePacket(bytes, LIMIT).outcomes)
    }
  })
})
