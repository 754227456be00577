import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import * as socket from '#lib/os/syscalls'
import { BarePeer, DISCONNECTED } from '../helpers/bare-peer.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { sized } from '../helpers/long.js'
import { Random } from '../helpers/random.js'
import { frame, frames, HEADER_BYTES, type Outcome, StreamDecoder } from '../helpers/reference-framer.js'
import { packet } from '../helpers/soup.js'

const LIMIT = 20
const TRUNCATED: Outcome = { code: 'ERR_WORMHOLE_TRUNCATED', received: undefined }
const LOST: Outcome = { code: 'ERR_WORMHOLE_MALFORMED', received: undefined }

/** Frames that succeed and fail in every way after which the stream goes on, in little space. */
const stream = Buffer.concat([
  frames(['1', '{"é":2}', '', '[1', '2]']),
  frame(Buffer.of(0x22, 0xff, 0x22)),
  frame(JSON.stringify('x'.repeat(LIMIT))),
  frame('3'),
])

/** Writes the stream in pieces, and takes after each what there is, which must be what the reference says. */
function expectPieces(bytes: Buffer, cuts: readonly number[], limit = LIMIT): void {
  const peer = new BarePeer(socket.SOCK_STREAM, { maxMessageBytes: limit })
  const reference = new StreamDecoder(limit)
  try {
    for (let index = 0; index <= cuts.length; index++) {
      const piece = bytes.subarray(index === 0 ? 0 : cuts[index - 1], cuts[index] ?? bytes.length)
      peer.write(piece)
      const [actual, expected] = [peer.drain(), reference.push(piece)]
      if (!isDeepStrictEqual(actual, expected)) {
        expect(actual, `piece ${index} of a stream cut at ${cuts.join(', ')}`).to.deep.equal(expected)
      }
    }
  } finally {
    peer[Symbol.dispose]()
  }
}

describe('framing: a byte stream', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  it('reads the same messages wherever it is cut once', () => {
    for (let cut = 1; cut < stream.length; cut++) expectPieces(stream, [cut])
  })

  it('reads the same messages wherever it is cut twice', () => {
    for (let first = 1; first < stream.length; first++) {
      for (let second = first + 1; second < stream.length; second += sized(7, 1)) {
        expectPieces(stream, [first, second])
      }
    }
  })

  it('reads the same messages byte by byte', () => {
    expectPieces(
      stream,
      Array.from({ length: stream.length - 1 }, (_, index) => index + 1)
    )
  })

  it('reads streams of all kinds of frames with cuts in many places', () => {
    const random = new Random(3)
    for (let round = 0; round < sized(100, 300); round++) {
      const bytes = Buffer.concat(Array.from({ length: 20 }, () => packet(random)))
      expectPieces(bytes, randomCuts(random, bytes.length, 1 + random.below(60)), random.pick([LIMIT, 1000]))
    }
  })

  it('reads frames of many sizes, up to several times what one read brings', () => {
    const random = new Random(4)
    const limit = 2 ** 20
    for (let round = 0; round < 6; round++) {
      const texts = Array.from({ length: 12 }, () => {
        const length = random.pick([3, 1000, 65_530 + random.below(12), random.below(300_000), limit - 2, limit])
        return JSON.stringify(random.pick(['x', 'é', ',']).repeat(length)).slice(0, limit + 1)
      })
      const bytes = frames(texts)
      const cuts = randomCuts(random, MAX_PIECE, 30)
      for (let at = MAX_PIECE; at < bytes.length; at += MAX_PIECE - random.below(2000)) cuts.push(at)
      expectPieces(bytes, cuts, limit)
    }
  })

  it('ends a message that breaks off, and then itself', () => {
    for (let length = 1; length < HEADER_BYTES + 5; length++) {
      const peer = keep(new BarePeer(socket.SOCK_STREAM))
      peer.write(Buffer.concat([frames(['1', '2']), frame('"xyz"').subarray(0, length)]))
      expect(peer.drain()).to.deep.equal([{ value: 1 }, { value: 2 }])
      peer.end()
      expect(peer.drain(), `${length} bytes`).to.deep.equal([TRUNCATED, DISCONNECTED])
    }
  })

  for (const length of [2n ** 29n + 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    it(`ends where its framing is lost, with what came before: a length of ${length}`, () => {
      const bytes = Buffer.concat([frames(['1', '2']), frame('3', length), frame('4')])
      const known = bytes.length - frame('4').length - 1
      for (let cut = 1; cut <= known; cut++) {
        const peer = keep(new BarePeer(socket.SOCK_STREAM))
        peer.write(bytes.subarray(0, cut))
        const outcomes = peer.drain()
        if (cut < known) {
          peer.write(bytes.subarray(cut))
          outcomes.push(...peer.drain())
        }
        expect(outcomes, `cut at ${cut}`).to.deep.equal([{ value: 1 }, { value: 2 }, LOST, DISCONNECTED])
      }
    })
  }

  it('passes over the longest message that there may be', () => {
    const peer = keep(new BarePeer(socket.SOCK_STREAM))
    peer.write(frame('"only the beginning"', 2n ** 29n))
    expect(peer.drain()).to.deep.equal([{ code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined }])
  })
})

/** A piece that the other end's buffer surely takes. */
const MAX_PIECE = 60_000

function randomCuts(random: Random, length: number, count: number): number[] {
  const cuts = Array.from({ length: count }, () => 1 + random.below(length - 1))
  return [...new Set(cuts)].sort((a, b) => a - b)
}
