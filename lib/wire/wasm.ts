import { Buffer } from '../core/globals.js'
import { cannotLoad, wasmFile } from '../core/package-files.js'
import { memory } from '../os/memory.js'

// The part of the WebAssembly interface that this module uses: @types/node leaves it to the DOM's types.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: object)
    readonly exports: unknown
  }
}

interface Global {
  readonly value: number
}

/** The exports of `assembly/index.ts`. Addresses are opaque outside this folder. */
export interface Wasm {
  readonly HEADER_BYTES: Global
  readonly PLACEHOLDER: Global
  readonly OUTBOX_BYTES: Global
  readonly INBOX_BYTES: Global
  readonly SLACK_BYTES: Global
  readonly WALKED_BYTES: Global
  readonly REASSEMBLY_BYTES: Global
  readonly WHOLE: Global
  readonly CUT_HEADER: Global
  readonly CUT_FRAME: Global
  readonly OVER_LIMIT: Global
  allocate(bytes: number): number
  release(block: number): void
  sealFrames(at: number, length: number): number
  writeHeader(at: number, payload: number): void
  walkFrames(at: number, length: number, limit: number, result: number): number
  mergeFrames(at: number, length: number, target: number): number
  mergedAscii(): number
  frameSize(at: number): number
  allAscii(at: number, end: number): number
  widen(at: number, end: number, target: number): number
  grow(block: number, length: number, capacity: number): number
  consume(block: number, count: number, length: number): void
}

export const wasm = instantiate().exports as Wasm

/** Bytes of the length prefix. */
export const HEADER_BYTES = wasm.HEADER_BYTES.value
/** Bytes after a block that the widest load or store may touch. */
export const SLACK_BYTES = wasm.SLACK_BYTES.value

/** The module in base64, where packing has put it into the code: Node.js 20 takes longer to read a file as bytes. */
declare const PACKED_WASM: string | undefined

function binary(): Uint8Array {
  if (typeof PACKED_WASM !== 'undefined') return Buffer.from(PACKED_WASM, 'base64')
  return process.getBuiltinModule('node:fs').readFileSync(wasmFile)
}

function instantiate(): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(binary()), { env: { memory } })
  } catch (cause) {
    throw cannotLoad(`wormhole-ipc cannot load its WebAssembly, ${wasmFile}: install the package again`, cause)
  }
}
