import { isAscii } from 'node:buffer'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Random } from '../../out/test/helpers/random.js'
import { frame, frames, HEADER_BYTES } from '../../out/test/helpers/reference-framer.js'
import { packet } from '../../out/test/helpers/soup.js'
import { decode, encode, readText } from '../codec/codec.mjs'
import { makeVariants } from '../codec/variants.mjs'
import { subjects } from '../codec/workloads.mjs'

const SEED = Number(process.env.WORMHOLE_SEED ?? 1776)
const PACKETS = 30_000
const BATCHES = 10_000
const TEXTS = 10_000
const AREA_BYTES = 1024 * 1024
const NO_LIMIT = 2 ** 29
const BUILD_MS = 60_000
const COMPARE_MS = 60_000

let variants

/** What every variant answers to the same question; fails where they differ. Answers what they agree on. */
function agreed(what, ask) {
  const [first, ...others] = variants.map(ask)
  for (const other of others) {
    if (!isSame(first, other)) expect(other, what()).to.deep.equal(first)
  }
  return first
}

/** Deep equality for flat answers; chai's own takes most of the time of a test that asks so often. */
function isSame(left, right) {
  return Object.keys(left).every((key) => left[key] === right[key])
}

/** The first `length` bytes of a variant's area and some behind them, as text. */
function memory({ view, area }, length) {
  return view.latin1Slice(area, area + length + GUARD.length)
}

/** Characters of every length in UTF-8, and the first and the last of each. */
const CHARACTERS = ['a', 'z', '"', '\x7f', '\x80', 'é', '\u07ff', '\u0800', '敏', '\uffff', '\u{10000}', '\u{10ffff}']

/** Stands behind what is worked on, a placeholder too: it must neither matter nor change. */
const GUARD = Buffer.from('"\x01]}\\,[{"\\]\u00e9"},:]'.repeat(2))

function put({ view, area }, bytes) {
  view.set(bytes, area)
  view.set(GUARD, area + bytes.length)
}

/** What the functions make of some bytes: the walk, the merged text, and what is ASCII. Bytes that are read stay. */
function read(variant, bytes, limit) {
  const { functions, area, page, view, walked, walkedIntegers, walkedDeclared } = variant
  put(variant, bytes)
  const status = functions.walkFrames(area, bytes.length, limit, walked)
  const count = walkedIntegers[0]
  const whole = walkedIntegers[1] >>> 0
  const { CUT_FRAME, OVER_LIMIT } = variant.layout
  const cut = status === CUT_FRAME.value || status === OVER_LIMIT.value
  const [, , refused, refusedBytes] = walkedIntegers
  const answer = { status, count, whole, refused, refusedBytes, declared: cut ? walkedDeclared[0] : undefined }
  answer.size = count > 0 ? functions.frameSize(area) >>> 0 : undefined
  answer.wholeAscii = functions.allAscii(area, area + whole) !== 0
  const length = count > 0 ? functions.mergeFrames(area, whole, page) >>> 0 : 0
  answer.text = length > 0 ? view.latin1Slice(page, page + length) : undefined
  answer.ascii = length > 0 ? functions.mergedAscii() !== 0 : undefined
  answer.unchanged = memory(variant, bytes.length)
  return answer
}

/** The array's text that a merge of whole frames must give, for as long as there are any. */
function arrayText(bytes) {
  const payloads = []
  for (let at = 0; at < bytes.length; ) {
    const from = at + HEADER_BYTES
    at = from + bytes.readUInt32LE(at)
    payloads.push(bytes.toString('latin1', from, at))
  }
  return `[${payloads.join(',')}]`
}

function seal(variant, batch) {
  put(variant, batch)
  const count = variant.functions.sealFrames(variant.area, batch.length)
  // A refused batch may have been written over in part.
  return count < 0 ? { count } : { count, frames: memory(variant, batch.length) }
}

describe('the forms of the codec', function () {
  this.timeout(BUILD_MS)

  before(async () => {
    variants = await makeVariants(AREA_BYTES)
  })

  it('are three: TypeScript, WASM, and WASM with SIMD', () => {
    expect(variants.map(({ name }) => name)).to.deep.equal(['TypeScript', 'WASM', 'WASM, SIMD'])
  })

  it(`make the same of ${PACKETS} machine-made packets`, () => {
    const random = new Random(SEED)
    let merged = 0
    for (let index = 0; index < PACKETS; index++) {
      const whole = packet(random)
      const bytes = whole.subarray(0, random.oneIn(8) ? random.below(whole.length + 1) : whole.length)
      const limit = random.oneIn(16) ? 1 + random.below(40) : NO_LIMIT
      const what = () => `packet ${index} of WORMHOLE_SEED=${SEED}: ${JSON.stringify(bytes.toString('latin1'))}`
      const answer = agreed(what, (variant) => read(variant, bytes, limit))
      expect(answer.unchanged, what()).to.equal(memoryOf(bytes))
      if (answer.text === undefined) continue
      const text = arrayText(bytes.subarray(0, answer.whole))
      expect(answer, what()).to.include({ text, ascii: isAscii(Buffer.from(text, 'latin1')) })
      merged++
    }
    // Both roads must be travelled.
    expect(merged / PACKETS).to.be.within(0.2, 0.9)
  })

  it('make the same of every run of structural characters', () => {
    const alphabet = ['[', '}', ',', '"', '\\', '1']
    let texts = ['']
    for (let length = 1; length <= 5; length++) {
      texts = texts.flatMap((text) => alphabet.map((character) => text + character))
      for (const text of texts) {
        const bytes = frames([text, '1'])
        agreed(
          () => text,
          (variant) => read(variant, bytes, NO_LIMIT)
        )
      }
    }
  })

  it('make the same of lengths that no memory holds', () => {
    for (const length of [2n ** 32n, 2n ** 32n + 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      for (const limit of [NO_LIMIT, 10]) {
        const bytes = Buffer.concat([frame('1'), frame('2', length)])
        const answer = agreed(
          () => `${length}`,
          (variant) => read(variant, bytes, limit)
        )
        expect(answer.declared).to.equal(Number(length))
      }
    }
  })

  it(`seal ${BATCHES} machine-made batches alike`, () => {
    const random = new Random(SEED)
    const placeholder = Buffer.from(variants[0].placeholder)
    let refused = 0
    for (let index = 0; index < BATCHES; index++) {
      const parts = []
      const texts = Array.from({ length: 1 + random.below(5) }, () => Buffer.alloc(random.below(40), 'a\u00e9'))
      for (const text of texts) parts.push(placeholder, text)
      const sound = Buffer.concat(parts)
      const batch = random.oneIn(8) ? sound.subarray(random.below(3), sound.length - random.below(12)) : sound
      const what = () => `batch ${index} of WORMHOLE_SEED=${SEED}`
      const answer = agreed(what, (variant) => seal(variant, batch))
      if (answer.count < 0) refused++
      else if (batch === sound) expect(answer.frames).to.equal(memoryOf(frames(texts)), what())
    }
    expect(refused / BATCHES).to.be.within(0.01, 0.2)
  })

  it('tell what is ASCII alike, whatever the length', () => {
    for (let length = 0; length < 1200; length += length < 80 ? 1 : 61) {
      for (const place of [undefined, 0, length >> 1, length - 1, length]) {
        const bytes = Buffer.alloc(length, 'x')
        const expected = place === undefined || place < 0 || place >= length
        const { ascii } = agreed(
          () => `${length} bytes, another at ${place}`,
          (variant) => {
            put(variant, bytes)
            if (place !== undefined) variant.view[variant.area + place] = 0x80
            return { ascii: variant.functions.allAscii(variant.area, variant.area + length) !== 0 }
          }
        )
        expect(ascii).to.equal(expected)
      }
    }
  })

  it(`widen ${TEXTS} machine-made texts, and every character`, () => {
    const random = new Random(SEED)
    const texts = Array.from({ length: TEXTS }, () => {
      return Array.from({ length: random.below(60) }, () => random.pick(CHARACTERS)).join('')
    })
    for (let code = 0; code <= 0x10ffff; code += 0x800) {
      // What stands alone of a pair of surrogates is no text.
      if (code !== 0xd800)
        texts.push(Array.from({ length: 0x800 }, (_, low) => String.fromCodePoint(code + low)).join(''))
    }
    for (const [index, text] of texts.entries()) {
      const bytes = Buffer.from(text)
      const { units } = agreed(
        () => `text ${index} of WORMHOLE_SEED=${SEED}`,
        (variant) => {
          const { functions, view, area, wide } = variant
          put(variant, bytes)
          const count = functions.widen(area, area + bytes.length, wide)
          return { units: view.ucs2Slice(wide, wide + 2 * count) }
        }
      )
      if (units !== text) expect(units).to.equal(text)
    }
  })

  it('carry the messages of the comparison, alone and together, in either habit', () => {
    for (const { value, bytes } of subjects) {
      const text = JSON.stringify(value)
      expect(Buffer.byteLength(text)).to.equal(bytes)
      for (const count of [1, 2, 7]) {
        const values = Array(count).fill(value)
        const sent = frames(Array(count).fill(text))
        for (const form of variants) {
          for (const habits of [
            { writesEach: true, mergesBelow: 0 },
            { writesEach: false, mergesBelow: Number.POSITIVE_INFINITY },
          ]) {
            const variant = { ...form, habits }
            const { area } = variant
            const length = encode(variant, values, area)
            expect(memory(variant, length).startsWith(sent.toString('latin1'))).to.equal(true)
            for (const widens of [false, true]) {
              expect(decode(variant, area, length, widens)).to.deep.equal(values)
              expect(readText(variant, area, length, widens)).to.equal(
                count > 1 ? `[${Array(count).fill(text).join(',')}]` : text
              )
            }
          }
        }
      }
    }
  })
})

function memoryOf(bytes) {
  return bytes.toString('latin1') + GUARD.toString('latin1')
}

describe('the comparison of codecs', function () {
  this.timeout(COMPARE_MS)

  const program = fileURLToPath(new URL('../codec/compare.mjs', import.meta.url))
  let folder

  before(async () => {
    folder = await mkdtemp(`${tmpdir()}/codec-`)
  })

  after(() => rm(folder, { recursive: true }))

  it('times every form, operation and size, and writes it all down', async () => {
    const file = `${folder}/result.json`
    const args = [program, '--runs', '3', '--json', file]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: COMPARE_MS })
    const { rows, runs, node } = JSON.parse(await readFile(file, 'utf8'))
    expect({ runs, node }).to.deep.equal({ runs: 3, node: process.version })
    const expected = subjects.flatMap(({ bytes, operations }) => operations.map((operation) => ({ operation, bytes })))
    expect(rows.map(({ operation, bytes }) => ({ operation, bytes }))).to.deep.equal(expected)
    for (const { bytes, summaries, variants } of rows) {
      expect(variants.map(({ name }) => name)).to.deep.equal(['TypeScript', 'WASM', 'WASM, SIMD'])
      for (const [index, { samples }] of variants.entries()) {
        const [least, middle, most] = [...samples].sort((left, right) => left - right)
        expect(least).to.be.above(0)
        expect(samples).to.have.length(3)
        const { perMessage, perByte, low, high } = summaries[index]
        expect(perMessage).to.equal(middle)
        expect(perByte).to.equal(middle / bytes)
        expect(low).to.be.within(least, middle)
        expect(high).to.be.within(middle, most)
      }
      expect(summaries[0].ratio).to.equal(1)
    }
    expect(stdout.match(/ {2}(TypeScript|WASM|WASM, SIMD) +[\d,.]+ \(/g)).to.have.length(3 * expected.length)
  })

  it('explains itself, and refuses wrong arguments', () => {
    const run = (...args) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: COMPARE_MS })
    expect(run('--help')).to.deep.include({ status: 0, stderr: '' })
    expect(run('--help').stdout).to.match(/^usage: node bench\/codec\/compare\.mjs/)
    for (const wrong of [['--runs', '2'], ['--runs', 'x'], ['--packet', '0'], ['--loud'], ['more']]) {
      const { status, stdout, stderr } = run(...wrong)
      expect(stderr, wrong.join(' ')).to.match(/^compare: .+\n$/)
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
    }
  })
})
