import { expect } from 'chai'
import { view } from '#lib/os/memory'
import { Batch } from '#lib/receive/batch'
import { INBOX_BYTES, inbox, readFrames } from '#lib/wire/inbox'
import { wasm } from '#lib/wire/wasm'
import { readInbox } from '../helpers/inbox.js'
import { decodePacket, decodePayload, frame, frames, HEADER_BYTES, type Outcome } from '../helpers/reference-framer.js'

const LIMIT = 1000
const SLACK_BYTES = wasm.SLACK_BYTES.value
/** Where frames are put together: behind all that most of these tests put into the inbox. */
const PAGE = inbox + 2 ** 20

function malformed(received: unknown): Outcome {
  return { code: 'ERR_WORMHOLE_MALFORMED', received }
}

const TOO_LARGE: Outcome = { code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined }

describe('framing: frames that are whole', () => {
  it('reads ordinary messages as one array', () => {
    const messages = [{ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }, 'a, b]', -0.5, null, [], {}, 'é\\"', [[1, 2]]]
    const bytes = frames(messages.map((message) => JSON.stringify(message)))
    view.set(bytes, inbox)
    const length = wasm.mergeFrames(inbox, bytes.length, PAGE)
    const text = view.toString('utf8', PAGE, PAGE + length)
    expect(text).to.equal(JSON.stringify(messages))
    expect(view.subarray(inbox, inbox + bytes.length).equals(bytes), 'the frames').to.equal(true)
  })

  it('tells whether frames that it reads as one array are all ASCII', () => {
    for (const [texts, ascii] of [
      [['"a"', '1'], 1],
      [['"a"', '"é"'], 0],
      [['"é"', '1'], 0],
      [['2', '1'], 1],
    ] as const) {
      const bytes = frames(texts)
      view.fill('é', inbox, inbox + bytes.length + SLACK_BYTES)
      view.set(bytes, inbox)
      expect(wasm.mergeFrames(inbox, bytes.length, PAGE)).to.be.above(0)
      expect(wasm.mergedAscii(), texts.join()).to.equal(ascii)
    }
  })

  it('changes nothing when it refuses to read frames as one array', () => {
    for (const doubtful of ['1,2', '[1', '"a', ',', ']', '[1],[2]']) {
      const bytes = frames(['[1]', '"a"', doubtful])
      view.set(bytes, inbox)
      view[inbox + bytes.length] = 0x7f
      expect(wasm.mergeFrames(inbox, bytes.length, PAGE), doubtful).to.equal(0)
      expect(view.subarray(inbox, inbox + bytes.length).equals(bytes), doubtful).to.equal(true)
      expect(view[inbox + bytes.length]).to.equal(0x7f)
    }
  })

  const together: [title: string, payloads: string[], outcomes: Outcome[]][] = [
    ['an array in two halves', ['[1', '2]'], [malformed('[1'), malformed('2]')]],
    ['brackets the wrong way round', ['1],[2', '3'], [malformed('1],[2'), { value: 3 }]],
    ['a string in two halves', ['"a', 'b"'], [malformed('"a'), malformed('b"')]],
    ['two values in one frame', ['1,2', '3'], [malformed('1,2'), { value: 3 }]],
    ['two objects in one frame', ['{"a":1},{"b":2}', '3'], [malformed('{"a":1},{"b":2}'), { value: 3 }]],
    ['an object in two halves', ['{"a":1', '"b":2}'], [malformed('{"a":1'), malformed('"b":2}')]],
    ['a comma alone', ['1', ',', '2'], [{ value: 1 }, malformed(','), { value: 2 }]],
    ['nothing at all', ['', '1', '', ''], [malformed(''), { value: 1 }, malformed(''), malformed('')]],
    ['spaces alone', ['1', '  ', '2'], [{ value: 1 }, malformed('  '), { value: 2 }]],
    ['spaces around', [' 1', '2\n', '\t\r3 '], [{ value: 1 }, { value: 2 }, { value: 3 }]],
    ['brackets of two kinds', ['[1}', '{]', '2'], [malformed('[1}'), malformed('{]'), { value: 2 }]],
    ['structure within strings', ['"],["', '"{"', '"\\",\\\\"'], [{ value: '],[' }, { value: '{' }, { value: '",\\' }]],
    ['a string that a backslash keeps open', ['"a\\"', '"b"'], [malformed('"a\\"'), { value: 'b' }]],
    ['a backslash outside strings', ['1', '\\"', '2"'], [{ value: 1 }, malformed('\\"'), malformed('2"')]],
    ['a byte order mark', ['1', '\ufeff2'], [{ value: 1 }, malformed('\ufeff2')]],
    ['a control character in a string', ['1', '"\n"'], [{ value: 1 }, malformed('"\n"')]],
    ['escaped lone surrogates', ['"\\ud800"', '"\\udc00"'], [{ value: '\ud800' }, { value: '\udc00' }]],
    [
      'keys with a meaning of their own',
      ['{"__proto__":1}', '2'],
      [{ value: JSON.parse('{"__proto__":1}') }, { value: 2 }],
    ],
  ]
  for (const [title, payloads, outcomes] of together) {
    it(`reads each frame alone: ${title}`, () => {
      const bytes = frames(payloads)
      expect(readInbox(bytes, LIMIT).outcomes).to.deep.equal(outcomes)
      expect(decodePacket(bytes, LIMIT).outcomes, 'the reference').to.deep.equal(outcomes)
    })
  }

  const companions: [title: string, text: string][] = [
    ['long ones', 'x'.repeat(4000)],
    ['a few longer than a merge pays', 'x'.repeat(1500)],
    ['long ones outside ASCII', 'é'.repeat(6000)],
    ['some outside ASCII', 'é'.repeat(1500)],
  ]
  for (const [kind, text] of companions) {
    it(`reads them alone beside ${kind}`, () => {
      const beside = JSON.stringify(text)
      const outcome: Outcome = { value: text }
      for (const [title, payloads, outcomes] of together) {
        for (const [texts, expected] of [
          [
            [beside, beside, ...payloads],
            [outcome, outcome, ...outcomes],
          ],
          [
            [...payloads, beside, beside],
            [...outcomes, outcome, outcome],
          ],
        ] as const) {
          const bytes = frames(texts)
          expect(readInbox(bytes, 2 * beside.length).outcomes, title).to.deep.equal(expected)
        }
      }
    })
  }

  it('reads long frames of which each kind may fail: not JSON, not UTF-8, too long', () => {
    const ascii = JSON.stringify('x'.repeat(2000))
    const wide = JSON.stringify('é'.repeat(1000))
    const halves = [Buffer.from(`"${'x'.repeat(999)}`), Buffer.from(`${'x'.repeat(999)}"`)]
    const broken = Buffer.from([0x22, ...Buffer.alloc(1500, 'x'), 0xff, 0x22])
    const long = JSON.stringify('x'.repeat(3000))
    const texts = [ascii, ...halves, wide, broken, ascii, long, wide, ascii]
    const { outcomes } = readInbox(frames(texts), 2500)
    expect(outcomes).to.deep.equal([
      { value: 'x'.repeat(2000) },
      ...halves.map((half) => malformed(half.toString())),
      { value: 'é'.repeat(1000) },
      malformed(broken),
      { value: 'x'.repeat(2000) },
      TOO_LARGE,
      { value: 'é'.repeat(1000) },
      { value: 'x'.repeat(2000) },
    ])
  })

  it('reads packets of very many frames', () => {
    const count = 200_000
    const { outcomes } = readInbox(frames(Array.from({ length: count }, () => '1')), LIMIT)
    expect(outcomes.length).to.equal(count)
    expect(outcomes.every((outcome) => 'value' in outcome && outcome.value === 1)).to.equal(true)
  })

  it('reads a packet that fills the inbox', () => {
    const payload = JSON.stringify('x'.repeat(INBOX_BYTES / 2 - HEADER_BYTES - 2))
    const bytes = frames([payload, payload])
    expect(bytes.length).to.equal(INBOX_BYTES)
    view.set(bytes, inbox)
    const batch = new Batch()
    expect(readFrames(inbox, bytes.length, INBOX_BYTES, batch).complete).to.equal(true)
    expect(batch.items).to.have.length(2)
    expect(batch.items.every((item) => item === payload.slice(1, -1))).to.equal(true)
  })

  it('counts bytes without their headers', () => {
    const payloadBytes = (bytes: Buffer): number => {
      view.set(bytes, inbox)
      return readFrames(inbox, bytes.length, LIMIT, new Batch()).payloadBytes
    }
    expect(payloadBytes(frames(['1', '"é"', 'bad', '', '[]']))).to.equal(1 + 4 + 3 + 0 + 2)
    expect(payloadBytes(Buffer.alloc(0))).to.equal(0)
  })

  it('adds to a batch that holds messages', () => {
    const batch = new Batch()
    for (const texts of [['1'], ['2', '3'], ['4', 'x', '5'], ['6', '7']]) {
      const bytes = frames(texts)
      view.set(bytes, inbox)
      readFrames(inbox, bytes.length, LIMIT, batch)
    }
    expect(batch.takeAll()).to.deep.equal([1, 2, 3, 4])
    expect(() => batch.takeAll()).to.throw('not JSON')
    expect(batch.takeAll()).to.deep.equal([5, 6, 7])
  })
})

describe('framing: frames over the limit', () => {
  it('refuses them alone', () => {
    const long = JSON.stringify('x'.repeat(LIMIT))
    for (const texts of [
      [long],
      ['1', long, '2'],
      [long, long, '3'],
      ['4', '5', long],
      [long, '6', '7', long, '8', '9'],
    ]) {
      const expected = texts.map((text): Outcome => (text === long ? TOO_LARGE : { value: JSON.parse(text) }))
      expect(readInbox(frames(texts), LIMIT).outcomes).to.deep.equal(expected)
    }
  })

  it('draws the line behind the last byte that the limit allows', () => {
    const bytes = frames(['"2345678"', '"23456789"', '"é345678"', '"é3456"'])
    const expected: Outcome[] = [{ value: '2345678' }, TOO_LARGE, TOO_LARGE, { value: 'é3456' }]
    expect(readInbox(bytes, 9).outcomes).to.deep.equal(expected)
  })
})

describe('framing: bytes that are not UTF-8', () => {
  const wrong: [title: string, bytes: number[]][] = [
    ['a continuation byte alone', [0x80]],
    ['a first byte alone', [0xc3]],
    ['three bytes of four', [0xf0, 0x9f, 0x98]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong null', [0xe0, 0x80, 0x80]],
    ['a high surrogate', [0xed, 0xa0, 0x80]],
    ['a low surrogate', [0xed, 0xb0, 0x80]],
    ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['0xFE', [0xfe]],
    ['0xFF', [0xff]],
  ]
  for (const [title, bytes] of wrong) {
    it(`fails alone, with the bytes: ${title}`, () => {
      for (let pad = 0; pad < 18; pad++) {
        const payload = Buffer.from([0x22, ...Buffer.alloc(pad, 'x'), ...bytes, 0x22])
        expect(readInbox(frame(payload), LIMIT).outcomes).to.deep.equal([malformed(payload)])
        const { outcomes } = readInbox(frames(['"é"', payload, '[2]']), LIMIT)
        expect(outcomes).to.deep.equal([{ value: 'é' }, malformed(payload), { value: [2] }])
        expect(decodePayload(payload), 'the reference').to.deep.equal(malformed(payload))
      }
    })
  }

  it('fails both halves of a character that two frames share', () => {
    const character = Buffer.from('"😀"')
    for (let cut = 2; cut < 5; cut++) {
      const halves = [character.subarray(0, cut), character.subarray(cut)]
      expect(readInbox(frames(halves), LIMIT).outcomes).to.deep.equal(halves.map(malformed))
    }
  })

  it('keeps the bytes that it reports when others come', () => {
    const bytes = frame(Buffer.of(0xff, 0xfe))
    view.set(bytes, inbox)
    const { outcomes } = readInbox(bytes, LIMIT)
    readInbox(frame('12'), LIMIT)
    expect(outcomes).to.deep.equal([malformed(Buffer.of(0xff, 0xfe))])
  })

  it('tells ASCII from the rest, whatever stands around it', () => {
    for (let offset = 0; offset < 16; offset++) {
      for (let length = 0; length <= 140; length++) {
        const at = inbox + 16 + offset
        view.fill(0x80, inbox, at + length + SLACK_BYTES)
        view.fill(0x7f, at, at + length)
        expect(wasm.allAscii(at, at + length), `${length} at ${offset}`).to.equal(1)
        for (let high = 0; high < length; high += 1 + (length >> 4)) {
          view[at + high] = 0x80
          expect(wasm.allAscii(at, at + length), `${length} at ${offset}, ${high} is not`).to.equal(0)
          view[at + high] = 0x7f
        }
      }
    }
  })
})
