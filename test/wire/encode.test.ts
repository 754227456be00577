import { expect } from 'chai'
import { view } from '#lib/os/memory'
import {
  frame as batchOf,
  FrameHeader,
  OUTBOX_BYTES,
  OUTBOX_UNITS,
  outboxAt,
  ownsOutbox,
  PayloadText,
  PLACEHOLDER,
  seal,
  sealOne,
  writePiece,
} from '#lib/wire/outbox'
import { wasm } from '#lib/wire/wasm'
import { Random } from '../helpers/random.js'
import { frame, frames, HEADER_BYTES } from '../helpers/reference-framer.js'

const owner = {}
const SLACK_BYTES = wasm.SLACK_BYTES.value

function outbox(length: number): Buffer {
  return Buffer.from(view.subarray(outboxAt(0), outboxAt(length)))
}

/** Seals the texts; from `behind` bytes after the end on, the outbox is full of an earlier batch's placeholders. */
function sealed(texts: readonly string[], behind: number): Buffer {
  const batch = texts.map((text) => batchOf(text)).join('')
  const end = Math.min(Buffer.byteLength(batch), OUTBOX_BYTES)
  view.fill('x', outboxAt(end), outboxAt(end + behind))
  view.fill(wasm.PLACEHOLDER.value, outboxAt(end + behind), outboxAt(end + SLACK_BYTES))
  return outbox(seal(owner, batch))
}

function expectSealed(texts: readonly string[]): void {
  const expected = frames(texts)
  for (const behind of [0, 1 + (expected.length % 15)]) {
    const actual = sealed(texts, behind)
    if (actual.equals(expected)) continue
    expect(actual.toString('hex'), JSON.stringify(texts)).to.equal(expected.toString('hex'))
  }
}

/** `bytes` bytes of text that ends in a character outside ASCII, where one has room. */
function textOf(bytes: number, last: string): string {
  const room = bytes - Buffer.byteLength(last)
  return room < 0 ? 'x'.repeat(bytes) : 'x'.repeat(room) + last
}

describe('framing: batches of frames', () => {
  it('seals a single text of 0 to 300 bytes', () => {
    for (let bytes = 0; bytes <= 300; bytes++)
      for (const last of ['', 'é', '€', '😀']) expectSealed([textOf(bytes, last)])
  })

  it('seals one text alone as it does in a batch, and leaves the outbox to the next', () => {
    for (let bytes = 0; bytes <= 300; bytes++) {
      for (const last of ['', 'é', '€', '😀']) {
        const text = textOf(bytes, last)
        // A length that is longer than any that follows.
        view.fill(0xff, outboxAt(0), outboxAt(HEADER_BYTES))
        expect(outbox(sealOne(text)).equals(frame(text)), JSON.stringify(text)).to.equal(true)
      }
    }
    seal(owner, batchOf('1'))
    sealOne('2')
    expect(ownsOutbox(owner)).to.equal(false)
  })

  it('seals every pair of texts of 0 to 64 bytes, and one behind them', () => {
    for (let first = 0; first <= 64; first++) {
      for (let second = 0; second <= 64; second++) {
        expectSealed([textOf(first, ''), textOf(second, '😀'), 'z'.repeat((first + second) % 5)])
      }
    }
  })

  it('seals batches of up to 64 texts of any sizes', () => {
    const random = new Random(1)
    for (let round = 0; round < 5000; round++) {
      const texts: string[] = []
      for (let count = 1 + random.below(64); count > 0; count--) {
        texts.push(textOf(random.oneIn(4) ? 16 * random.below(6) : random.below(80), random.pick(['', 'é', '€', '😀'])))
      }
      expectSealed(texts)
    }
  })

  it('seals nothing but empty texts', () => {
    for (const count of [1, 2, 15, 16, 17, 1000]) expectSealed(Array.from({ length: count }, () => ''))
  })

  it('seals batches that fill the outbox to its last byte', () => {
    expectSealed(['x'.repeat(OUTBOX_BYTES - HEADER_BYTES)])
    expectSealed(Array.from({ length: OUTBOX_BYTES / 16 }, () => '12345678'))
    expectSealed(Array.from({ length: OUTBOX_BYTES / 8 }, () => ''))
    expectSealed(['', 'x'.repeat(OUTBOX_BYTES - 3 * HEADER_BYTES - 1), '1'])
  })

  it('refuses a batch that does not begin with a placeholder or breaks off in one', () => {
    const [cut, whole] = [PLACEHOLDER.slice(1), PLACEHOLDER]
    const without = ['', cut, '[1]', '"as long as a header"', `[1]${whole}`, `"as long as a header"${whole}1`]
    for (const batch of [...without, `${whole}[1]${cut}`, `${whole}${cut}`, `${whole}1${whole[0]}`]) {
      expect(() => seal(owner, batch), JSON.stringify(batch)).to.throw('placeholder')
    }
  })

  it('stands for a length by a byte that JSON text never contains', () => {
    const everything = Array.from({ length: 65536 }, (_, unit) => String.fromCharCode(unit)).join('')
    expect(JSON.stringify({ [everything]: everything })).not.to.include(PLACEHOLDER[0])
  })

  it('belongs to who wrote last', () => {
    const other = {}
    seal(owner, batchOf('1'))
    expect([ownsOutbox(owner), ownsOutbox(other)]).to.deep.equal([true, false])
    writePiece(other, 'x')
    expect([ownsOutbox(owner), ownsOutbox(other)]).to.deep.equal([false, true])
  })
})

describe('framing: long messages in pieces', () => {
  it('writes headers of every size that a message may have', () => {
    const sizes = [0, 1, 255, 256, 65536, 2 ** 29, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
    for (const size of sizes) {
      const outgoing = new FrameHeader(size)
      outgoing.load()
      expect(outgoing.length).to.equal(HEADER_BYTES)
      expect(view.subarray(outgoing.at, outgoing.at + outgoing.length).readBigUInt64LE()).to.equal(BigInt(size))
    }
  })

  it('makes one frame of a text of any length, however much the kernel takes at a time', () => {
    const random = new Random(2)
    for (const filling of ['x', 'é', '€', '😀', 'x😀', '€😀']) {
      for (const units of [1, OUTBOX_UNITS - 1, OUTBOX_UNITS, OUTBOX_UNITS + 1, 2 * OUTBOX_UNITS + 3]) {
        const text = filling.repeat(Math.ceil(units / filling.length))
        const bytes = Buffer.byteLength(text)
        expectSame(sentOf(new PayloadText(text, bytes), random), frame(text))
        expectSame(sentOf(new PayloadText(text), random), Buffer.from(text))
      }
    }
  })
})

/** What a kernel gets that takes any part of what it is offered, while others use the outbox too. */
function sentOf(outgoing: PayloadText, random: Random): Buffer {
  const sent: Buffer[] = []
  for (let done = false; !done; ) {
    if (random.oneIn(2)) seal(owner, batchOf('"somebody else"'))
    outgoing.load()
    const count = random.oneIn(2) ? outgoing.length : 1 + random.below(outgoing.length)
    sent.push(Buffer.from(view.subarray(outgoing.at, outgoing.at + count)))
    done = outgoing.advance(count)
  }
  return Buffer.concat(sent)
}

function expectSame(actual: Buffer, expected: Buffer): void {
  expect(actual.length).to.equal(expected.length)
  expect(actual.equals(expected), 'the same bytes').to.equal(true)
}
