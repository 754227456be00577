import { readFile } from 'node:fs/promises'
import { build, paths } from './build.mjs'

/** Bytes behind an area that a module may touch: a 16-byte load, or the merged array's bracket. */
const slack = (layout) => layout.SLACK_BYTES.value

/**
 * The three forms of the codec's hot functions, each over memory of its own: `functions`, the constants in `layout`, and
 * `view`, all of that memory, with an area of `areaBytes` at `area` and a table for `mergeFrames` at `table`. Builds what
 * has to be built.
 */
export async function makeVariants(areaBytes) {
  await build()
  const limits = await memoryLimits()
  const simd = await overWasm(new URL('../../dist/wormhole.wasm', import.meta.url), limits, areaBytes)
  const scalar = await overWasm(paths.scalar, limits, areaBytes)
  const layout = simd.functions
  return [
    { name: 'TypeScript', layout, ...(await overTypeScript(layout, areaBytes)) },
    { name: 'WASM', layout, ...scalar },
    { name: 'WASM, SIMD', layout, ...simd },
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
  const functions = instance.exports
  const area = functions.allocate(areaBytes + slack(functions)) >>> 0
  const table = functions.allocate(tableBytes(functions)) >>> 0
  return { functions, view: Buffer.from(memory.buffer), area, table }
}

async function overTypeScript(layout, areaBytes) {
  const { hotFunctions } = await import(paths.typescript)
  const area = 0
  const table = areaBytes + slack(layout)
  const view = Buffer.alloc(table + tableBytes(layout))
  return { functions: hotFunctions(view, layout), view, area, table }
}

function tableBytes(layout) {
  return Uint32Array.BYTES_PER_ELEMENT * layout.MERGE_FRAMES.value
}
