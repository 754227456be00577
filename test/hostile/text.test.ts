import { expect } from 'chai'
import fc from 'fast-check'
import { type Alone, alone, expectAlone } from '../helpers/alone.js'
import { readInbox } from '../helpers/inbox.js'
import { chosen, LONG, MAX_MS, SEED, sized, tried } from '../helpers/long.js'
import { quietErrors } from '../helpers/quiet-errors.js'
import { decodePacket, frames } from '../helpers/reference-framer.js'
import { illFormed, wellFormed } from '../helpers/utf8.js'

/** Past the second block of sixteen bytes, or the fourth. */
const MAX_BEFORE = sized(33, 67)
const BEHIND = chosen(5, [0, 1, 15, 16, 33, 2, 14, 17, 31, 32])
const LIMIT = 200

/** The bytes in a string of otherwise ASCII. */
function within(before: number, bytes: Uint8Array, behind: number): Buffer {
  return Buffer.concat([Buffer.from(`"${'x'.repeat(before)}`), bytes, Buffer.from(`${'y'.repeat(behind)}"`)])
}

describe('hostile: text outside ASCII', () => {
  quietErrors()
  const ascii = alone(Buffer.from('[1,"ascii"]'))
  const other = alone(Buffer.from('"é€\u{1f600}"'))

  /** Reads the frame in all company that makes a difference; how often. */
  function expectInCompany(part: Alone, offset: number): number {
    expectAlone([part], offset)
    expectAlone([part, ascii], offset)
    expectAlone([ascii, part], offset)
    expectAlone([other, part, other], offset)
    return 4
  }

  for (const [kind, all] of [
    ['well-formed', wellFormed],
    ['ill-formed', illFormed],
  ] as const) {
    it(`is read or refused by its frame alone, at every place in a block: ${kind}`, function () {
      this.timeout(MAX_MS)
      let count = 0
      for (const bytes of all) {
        for (let before = 0; before <= MAX_BEFORE; before++) {
          for (const behind of BEHIND) count += expectInCompany(alone(within(before, bytes, behind)), count % 16)
        }
      }
      tried(count, `packets with ${kind} bytes`)
    })
  }

  it('is read or refused by its frame alone: every two kinds of bytes side by side', function () {
    this.timeout(MAX_MS)
    let count = 0
    const all = [...wellFormed, ...illFormed]
    for (const first of all) {
      for (const second of all) {
        for (const before of LONG ? [0, 12, 13, 14, 15, 28, 29, 30, 31] : [15]) {
          const bytes = Buffer.concat([first, second])
          count += expectInCompany(alone(within(before, bytes, 3)), count % 16)
          expectAlone([alone(within(before, first, 0)), alone(within(0, second, 0))], count++ % 16)
        }
      }
    }
    tried(count, 'packets with two kinds of bytes')
  })

  it('is refused in both halves when two frames share a character, at every place in a block', () => {
    let count = 0
    for (const character of wellFormed.filter((bytes) => bytes.length > 1)) {
      for (let before = 0; before <= MAX_BEFORE; before++) {
        const whole = within(before, character, 5)
        for (let cut = before + 2; cut <= before + character.length; cut++) {
          const halves = [whole.subarray(0, cut), whole.subarray(cut)]
          expectAlone(halves.map(alone), count++ % 16)
          // The string closed in both, so that only the character is cut.
          const closed = [Buffer.concat([whole.subarray(0, cut), Buffer.from('"')]), Buffer.from('"x"')]
          expectAlone(closed.map(alone), count++ % 16)
        }
      }
    }
    tried(count, 'packets whose frames share a character')
  })

  it('is no white space and no mark outside strings, at the start of a packet or of a frame', () => {
    let count = 0
    for (const bytes of [...wellFormed, ...illFormed]) {
      for (const json of ['1', '"é"', '[]']) {
        for (const payload of [
          Buffer.concat([bytes, Buffer.from(json)]),
          Buffer.concat([Buffer.from(json), bytes]),
          Buffer.concat([Buffer.from(' '.repeat(15)), bytes, Buffer.from(json)]),
        ]) {
          count += expectInCompany(alone(payload), count % 16)
        }
      }
    }
    tried(count, 'packets with bytes outside strings')
  })

  it('is read as the reference reads it in packets that fast-check makes', function () {
    this.timeout(MAX_MS)
    const bytes = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...wellFormed) },
      { weight: 1, arbitrary: fc.constantFrom(...illFormed) },
      { weight: 2, arbitrary: fc.constantFrom('"', '\\"', '\\\\', '\\u00e9', '\\ud83d', ',', '[', ']', '{', ':') },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 33 }).map((length) => 'x'.repeat(length)) }
    )
    const text = fc
      .array(bytes, { maxLength: 8 })
      .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece))))
    const payload = fc.oneof(
      { weight: 4, arbitrary: text.map((inside) => Buffer.concat([Buffer.from('"'), inside, Buffer.from('"')])) },
      { weight: 1, arbitrary: text },
      { weight: 2, arbitrary: fc.json({ stringUnit: 'binary', maxDepth: 3 }).map((json) => Buffer.from(json)) }
    )
    const packets = sized(300, 200_000)
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 5 }), fc.nat(31), fc.nat(40), (payloads, offset, missing) => {
        const whole = frames(payloads)
        const packet = missing < 8 ? whole.subarray(0, Math.max(whole.length - missing, 0)) : whole
        const expected = decodePacket(packet, LIMIT)
        const actual = readInbox(packet, LIMIT, offset)
        expect(actual.outcomes).to.deep.equal(expected.outcomes)
        expect(actual.rest.toString('hex')).to.equal(expected.rest.toString('hex'))
      }),
      { seed: SEED, numRuns: packets }
    )
    tried(packets, 'packets that fast-check made')
  })
})
