import { expect } from 'chai'
import { readInbox } from '../helpers/inbox.js'
import { decodePacket, frame, frames, HEADER_BYTES, type Outcome } from '../helpers/reference-framer.js'

const LIMIT = 1000

/** Lengths that no frame has, and what a careless reader makes of them: a negative number, 0, or NaN. */
const absurd = [
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 32n + 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

describe('framing: frames that are not all there', () => {
  it('reads what is whole of every cut of a packet, and leaves the rest as it came', () => {
    const packets = [
      frames(['1']),
      frames(['1', '2', '3']),
      frames(['{"a":[1,2]}', '"é,]"', 'x', '', '[[]]', '"last"']),
      frames(['[1', '2]', '"a', 'b"', '3']),
      frames(['"0123456789abcdef"', '"0123456789abcdef"', '"0123456789abcdef"']),
      Buffer.concat([frames(['1', '2']), frame('"x"', 700n), frame('3')]),
    ]
    for (const packet of packets) {
      for (let length = 0; length <= packet.length; length++) {
        const bytes = packet.subarray(0, length)
        const expected = decodePacket(bytes, LIMIT)
        // What comes later stands behind already: it must not be taken for part of this.
        const actual = readInbox(bytes, LIMIT, length % 16, packet.subarray(length))
        const where = `${length} bytes of ${JSON.stringify(packet.toString('latin1'))}`
        expect(actual.outcomes, where).to.deep.equal(expected.outcomes)
        expect(actual.rest.toString('hex'), `the rest: ${where}`).to.equal(expected.rest.toString('hex'))
        expect(actual.declared, where).to.equal(expected.declared === undefined ? undefined : Number(expected.declared))
      }
    }
  })

  for (const length of absurd) {
    it(`reads the frames before a header that says ${length} bytes`, () => {
      for (const texts of [[], ['1'], ['1', '2'], ['x', '"é"']]) {
        for (const tail of ['', '1', 'x'.repeat(100)]) {
          const bytes = Buffer.concat([frames(texts), frame(tail, length)])
          const actual = readInbox(bytes, LIMIT)
          expect(actual.outcomes).to.deep.equal(decodePacket(bytes, LIMIT).outcomes)
          expect(actual.rest.equals(frame(tail, length)), 'the rest as it came').to.equal(true)
          expect(actual.declared).to.equal(Number(length))
          expect(actual.overLimit).to.equal(true)
        }
      }
    })
  }

  it('tells a frame within the limit from one over it, when neither is all there', () => {
    for (const [length, overLimit] of [
      [LIMIT - 1, false],
      [LIMIT, false],
      [LIMIT + 1, true],
    ] as const) {
      const actual = readInbox(frame('"x"', BigInt(length)), LIMIT)
      expect(actual).to.deep.include({ outcomes: [], declared: length, overLimit })
    }
  })

  it('takes an empty frame for a frame, and half a header for none', () => {
    const empty: Outcome = { code: 'ERR_WORMHOLE_MALFORMED', received: '' }
    for (let cut = 0; cut < HEADER_BYTES; cut++) {
      const actual = readInbox(Buffer.concat([frame(''), Buffer.alloc(cut)]), LIMIT)
      expect(actual).to.deep.include({ outcomes: [empty], declared: undefined, overLimit: false })
      expect(actual.rest.equals(Buffer.alloc(cut))).to.equal(true)
    }
  })
})
