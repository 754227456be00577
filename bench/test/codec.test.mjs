import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Random } from '../../out/test/helpers/random.js'
import { frame, frames } from '../../out/test/helpers/reference-framer.js'
import { packet } from '../../out/test/helpers/soup.js'
import { decode, encode } from '../codec/codec.mjs'
import { message, sizes } from '../codec/messages.mjs'
import { makeVariants } from '../codec/variants.mjs'

const SEED = Number(process.env.WORMHOLE_SEED ?? 1776)
const PACKETS = 30_000
const BATCHES = 10_000
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

/** Stands behind what is worked on, a placeholder too: it must neither matter nor change. */
const GUARD = Buffer.from('"\x01]}\\,[{"\\]\u00e9"},:]'.repeat(2))

function put({ view, area }, bytes) {
  view.set(bytes, area)
  view.set(GUARD, area + bytes.length)
}

/** What the functions make of some bytes: the walk, the merge and what it is undone to, and what is ASCII. */
function read(variant, bytes, limit) {
  const { functions, area, table } = variant
  put(variant, bytes)
  const status = functions.walkFrames(area, bytes.length, limit)
  const count = functions.frames.value
  const whole = functions.wholeBytes.value >>> 0
  const { CUT_FRAME, OVER_LIMIT } = variant.layout
  const cut = status === CUT_FRAME.value || status === OVER_LIMIT.value
  const answer = { status, count, whole, declared: cut ? functions.declared.value : undefined }
  answer.size = count > 0 ? functions.frameSize(area) >>> 0 : undefined
  answer.wholeAscii = functions.allAscii(area, area + whole) !== 0
  answer.merged = functions.mergeFrames(area, whole, table) !== 0
  answer.text = memory(variant, bytes.length)
  if (answer.merged) {
    answer.ascii = functions.mergedAscii() !== 0
    functions.restoreBehind(area + whole)
    functions.unmergeFrames(area, count, table)
    answer.undone = memory(variant, bytes.length)
  }
  return answer
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
      if (answer.merged) {
        expect(answer.undone, what()).to.equal(bytes.toString('latin1') + GUARD.toString('latin1'))
        merged++
      }
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
    const { HEADER_BYTES, PLACEHOLDER } = variants[0].layout
    const placeholder = Buffer.alloc(HEADER_BYTES.value, PLACEHOLDER.value)
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

  it('carry the messages of the comparison, alone and together', () => {
    for (const bytes of sizes) {
      const sent = message(bytes)
      const text = JSON.stringify(sent)
      expect(Buffer.byteLength(text)).to.equal(bytes)
      for (const count of [1, 2, 7]) {
        for (const variant of variants) {
          const { HEADER_BYTES, PLACEHOLDER } = variant.layout
          const placeholder = String.fromCharCode(PLACEHOLDER.value).repeat(HEADER_BYTES.value)
          const length = encode(variant, (placeholder + text).repeat(count), variant.area)
          expect(memory(variant, length).startsWith(frames(Array(count).fill(text)).toString('latin1'))).to.equal(true)
          expect(decode(variant, variant.area, length)).to.deep.equal(Array(count).fill(sent))
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
  const operations = ['encode', 'encode, framing alone', 'decode', 'decode, framing alone']
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
    const expected = sizes.flatMap((bytes) => operations.map((operation) => ({ operation, bytes })))
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
