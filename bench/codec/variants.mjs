import { readFile } from 'node:fs/promises'
import { MERGE_BYTES, MERGE_BYTES_WIDE } from '../../dist/wire/inbox.js'
import { build, paths } from './build.mjs'

/** What the library does: one text for all messages of a packet, to be written and, while they are short, to be parsed. */
const libraryHabits = { writesEach: false, mergesBelow: MERGE_BYTES, mergesBelowWide: MERGE_BYTES_WIDE }

/**
 * What is fastest without SIMD (measured): messages of so many bytes, headers included, are parsed one by one sooner than
 * looked through, and since Node.js 24 a write for each costs less than a batch and the search for its placeholders.
 */
const otherHabits = {
  writesEach: Number.parseInt(process.versions.node, 10) >= 24,
  mergesBelow: 200,
  mergesBelowWide: 200,
}

/**
 * The three forms of the codec's hot functions, each over memory of its own: `functions`, the `habits` in which it is
 * best used, the constants in `layout`, and `view`, all of that memory, with room for `areaBytes` at `area`, for a merged
 * text at `page`, for UTF-16 at `wide`, and for what `walkFrames` finds at `walked`. Builds what has to be built.
 */
export async function makeVariants(areaBytes) {
  await build()
  const limits = await memoryLimits()
  const simd = await overWasm(new URL('../../dist/wormhole.wasm', import.meta.url), limits, areaBytes)
  const scalar = await overWasm(paths.scalar, limits, areaBytes)
  const layout = simd.functions
  const placeholder = String.fromCharCode(layout.PLACEHOLDER.value).repeat(layout.HEADER_BYTES.value)
  return [
    { name: 'TypeScript', habits: otherHabits, layout, placeholder, ...(await overTypeScript(layout, areaBytes)) },
    { name: 'WASM', habits: otherHabits, layout, placeholder, ...scalar },
    { name: 'WASM, SIMD', habits: libraryHabits, layout, placeholder, ...simd },
  ]
}

/** The memory that the module is compiled to import. */
async function memoryLimits() {
  const { options } = JSON.parse(await readFile(new URL('../../asconfig.json', import.meta.url), 'utf8'))
  return { initial: options.initialMemory, maximum: options.maximumMemory, shared: options.sharedMemory }
}

async function overWasm(path, limits, areaBytes) {
  const memory = new WebAssembly.Memory(limits)
  const { instance } = await WebAssembly.instantiate(await readFile(path), { env: { memory } })
  const functions = /** @type {any} */ (instance.exports)
  const places = placed(functions, areaBytes, (bytes) => functions.allocate(bytes) >>> 0)
  return { functions, ...places, ...viewed(memory.buffer, places) }
}

async function overTypeScript(layout, areaBytes) {
  const { hotFunctions } = await import(paths.typescript)
  let used = 0
  const places = placed(layout, areaBytes, (bytes) => {
    const at = used
    used += Math.ceil(bytes / Float64Array.BYTES_PER_ELEMENT) * Float64Array.BYTES_PER_ELEMENT
    return at
  })
  const views = viewed(new ArrayBuffer(used), places)
  return { functions: hotFunctions(views.view, layout), ...places, ...views }
}

/** Each with the room behind it that the widest load or store may touch. */
function placed({ SLACK_BYTES, WALKED_BYTES }, areaBytes, allocate) {
  const slack = SLACK_BYTES.value
  return {
    area: allocate(areaBytes + slack),
    page: allocate(areaBytes + slack),
    wide: allocate(Uint16Array.BYTES_PER_ELEMENT * areaBytes + slack),
    walked: allocate(WALKED_BYTES.value),
  }
}

function viewed(buffer, { walked }) {
  return {
    view: Buffer.from(buffer),
    walkedIntegers: new Int32Array(buffer, walked, 4),
    walkedDeclared: new Float64Array(buffer, walked + 16, 1),
  }
}
