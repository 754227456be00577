import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import { view } from '#lib/os/memory'
import { inbox } from '#lib/wire/inbox'
import { wasm } from '#lib/wire/wasm'
import { readInbox } from '../helpers/inbox.js'
import { LONG, MAX_MS, SEED, sized, tried } from '../helpers/long.js'
import { quietErrors } from '../helpers/quiet-errors.js'
import { Random } from '../helpers/random.js'
import { decodePacket, frames } from '../helpers/reference-framer.js'
import { packet } from '../helpers/soup.js'

const PACKETS = sized(3000, 5_000_000)
const NO_LIMIT = 2 ** 29

/** Decodes a packet both ways; says where they differ. */
function compare(bytes: Buffer, limit: number, offset: number, what: string): boolean {
  const expected = decodePacket(bytes, limit)
  const actual = readInbox(bytes, limit, offset)
  const declared = expected.declared === undefined ? undefined : Number(expected.declared)
  const same =
    isDeepStrictEqual(actual.outcomes, expected.outcomes) &&
    actual.rest.equals(expected.rest) &&
    actual.declared === declared
  const sound = expected.outcomes.every((outcome) => 'value' in outcome)
  if (same && (!sound || isOneArray(bytes.subarray(0, bytes.length - expected.rest.length)))) return sound
  const where = `${what}, limit ${limit}, offset ${offset}: ${JSON.stringify(bytes.toString('latin1'))}`
  expect(actual.outcomes, where).to.deep.equal(expected.outcomes)
  expect(actual.rest.toString('hex'), `what is left of ${where}`).to.equal(expected.rest.toString('hex'))
  expect(actual.declared, where).to.equal(declared)
  throw new Error(`sound frames were read one by one: ${where}`)
}

/** Whether frames are read as one array, which sound ones must be: that is what makes a batch cheap. */
function isOneArray(bytes: Buffer): boolean {
  view.set(bytes, inbox)
  return wasm.mergeFrames(inbox, bytes.length, inbox + 2 ** 20) !== 0
}

describe('framing: a packet decoded as a batch is its frames decoded alone', () => {
  quietErrors()

  it(`decodes ${PACKETS} machine-made packets as the reference does`, function () {
    this.timeout(MAX_MS)
    const random = new Random(SEED)
    let sound = 0
    for (let index = 0; index < PACKETS; index++) {
      const bytes = packet(random)
      const limit = random.oneIn(16) ? 1 + random.below(40) : NO_LIMIT
      const length = random.oneIn(8) ? random.below(bytes.length + 1) : bytes.length
      const what = `packet ${index} of WORMHOLE_SEED=${SEED}`
      if (compare(bytes.subarray(0, length), limit, random.below(32), what)) sound++
    }
    tried(PACKETS, 'machine-made packets')
    // Both roads must be travelled: packets read as one array, and packets read frame by frame.
    expect(sound / PACKETS).to.be.within(0.2, 0.8)
  })

  it('decodes every pair of short frames of structural characters', function () {
    this.timeout(MAX_MS)
    const texts = upTo(LONG ? 3 : 2, ['[', ']', '{', '}', ',', ':', '"', '\\', '1', ' '])
    for (const first of texts) {
      for (const second of texts) compare(frames([first, second]), NO_LIMIT, 0, `${first} and ${second}`)
    }
  })

  it('decodes every pair of awkward frames at every place in a block', () => {
    for (const first of awkward) {
      for (const second of awkward) {
        for (let pad = 0; pad < 16; pad += sized(5, 1)) {
          const texts = [' '.repeat(pad) + first, ' '.repeat((pad * 7) % 16) + second]
          compare(frames(texts), NO_LIMIT, 0, `${first} and ${second}, ${pad} spaces before`)
        }
      }
    }
  })

  it('decodes runs of backslashes before a quote at every place in a block', () => {
    for (let run = 0; run <= 40; run++) {
      for (let pad = 0; pad < 16; pad++) {
        const text = `"${'x'.repeat(pad)}${'\\'.repeat(run)}"`
        for (const tail of ['', '"', ',1', ',"', '],[']) {
          compare(frames([text + tail, '[1]']), NO_LIMIT, 0, `${text}${tail} and [1]`)
          compare(frames(['"a"', text + tail]), NO_LIMIT, 0, `"a" and ${text}${tail}`)
        }
      }
    }
  })

  it('decodes two such runs in one frame, where a mistake in each would make up for the other', () => {
    const text = (pad: number, run: number): string => `"${'x'.repeat(pad)}${'\\'.repeat(run)}"`
    for (let place = 0; place < 256; place++) {
      const [first, second] = [place >> 4, place & 15]
      for (const [one, other] of [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
        [2, 4],
        [4, 2],
        [3, 3],
      ] as const) {
        for (const between of [',', '],[', '']) {
          const both = text(first, one) + between + text(second, other)
          for (const texts of [
            [both, '1'],
            ['1', `[${both}]`],
          ])
            compare(frames(texts), NO_LIMIT, 0, texts.join(' and '))
        }
      }
    }
  })
})

function upTo(length: number, alphabet: readonly string[]): string[] {
  const texts = ['']
  for (let from = 0, round = 0; round < length; round++) {
    const to = texts.length
    for (; from < to; from++) for (const character of alphabet) texts.push(`${texts[from]}${character}`)
  }
  return texts
}

const awkward = [
  ...['', ' ', '1', '1,2', ',', '[', ']', '[1', '2]', '1],[2', '],[', '[]', '[],[]', '{}', '{', '}', '{]', '[}'],
  ...['{"a":1', '"b":2}', '{"a":1},{"b":2}', '"a":1', '"', '""', '"a', 'b"', '"\\"', '"\\\\"', '"\\\\\\"', '\\', '\\"'],
  ...[
    '"a\\',
    '"\\u00',
    '"]"',
    '"["',
    '","',
    '"{\\"a\\":[1,2]}"',
    'nul',
    'l',
    '-',
    '1.',
    '\ufeff1',
    '"é"',
    '"\u{1f600}',
  ],
  ...['"\n"', '"\u2028"', '[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]', '[[[[[[[[1]]]]]]]],[[[[[[[[1]]]]]]]]', '[1]]', '[[1]'],
]
