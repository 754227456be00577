import { WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import { cannotLoad, wasmFile } from '../core/package-files.js'
import { CONTROL_FIRST, native } from '../os/addon.js'

// The part of the WebAssembly interface that we use: @types/node leaves it to the DOM's types.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: object)
    readonly exports: unknown
  }
  class Memory {
    constructor(options: { initial: number; maximum: number; shared: boolean })
    readonly buffer: SharedArrayBuffer
  }
}

interface Global {
  readonly value: number
}

/** What `assembly/index.ts` exports. Addresses are opaque outside `framing.ts` and `partial.ts`. */
export interface Wasm {
  readonly HEADER_BYTES: Global
  readonly PLACEHOLDER: Global
  readonly OUTBOX_BYTES: Global
  readonly INBOX_BYTES: Global
  readonly SLACK_BYTES: Global
  readonly WALKED_BYTES: Global
  readonly PARTIAL_BYTES: Global
  readonly MESSAGE_LIMIT: Global
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
  partialNew(at: number, length: number): number
  partialIn(block: number, blockBytes: number, capacity: number, at: number, length: number): number
  partialReserve(partial: number, limit: number): number
  partialOutgrown(partial: number): number
  partialOutgrownBytes(partial: number): number
  partialBlock(partial: number): number
  partialBlockBytes(partial: number): number
  partialCapacity(partial: number): number
  partialLength(partial: number): number
  partialAppend(partial: number, count: number): void
  partialConsume(partial: number, count: number): void
  partialFree(partial: number): void
}

const PAGE_BYTES = 65536
/** Address space that is reserved, not memory that is used: WebAssembly's own most, 4 GiB. */
const MAXIMUM_PAGES = 65536
const INITIAL_PAGES = 16

const memory = reserve()
const instance = instantiate()

function reserve(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true })
  } catch (cause) {
    throw cannotLoad(
      "wormhole-ipc cannot reserve its WebAssembly memory: each thread takes about 10 GiB of address space (not of memory); raise the process's limit (`ulimit -v`, RLIMIT_AS)",
      cause
    )
  }
}

function instantiate(): WebAssembly.Instance {
  try {
    const binary = process.getBuiltinModule('node:fs').readFileSync(wasmFile)
    return new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } })
  } catch (cause) {
    throw cannotLoad(`wormhole-ipc cannot load its WebAssembly, ${wasmFile}: install the package anew`, cause)
  }
}

export const wasm = instance.exports as Wasm

/** What the addon writes beside a result: msg_flags, how many descriptors, and these. */
export const control = new Int32Array(
  new SharedArrayBuffer((CONTROL_FIRST + native.constants.SCM_MAX_FD) * Int32Array.BYTES_PER_ELEMENT)
)

/** A Buffer with what `write` and `toString` come down to: for a small packet the way there takes as long. */
export interface View extends Buffer {
  utf8Write(text: string, at: number, room: number): number
  latin1Slice(at: number, end: number): string
}

/** All of the thread's WebAssembly memory. Renewed by {@link refreshView} after anything that may grow it. */
export let view: View = attach()

/** Shared memory never moves, but a view keeps the length it was made with. */
export function refreshView(): void {
  if (view.length !== memory.buffer.byteLength) view = attach()
}

/** Numbers that the module writes at an address: like all of the memory, they never move. */
export function integersAt(at: number, count: number): Int32Array {
  return new Int32Array(memory.buffer, at, count)
}

export function doublesAt(at: number, count: number): Float64Array {
  return new Float64Array(memory.buffer, at, count)
}

export function memoryBytes(): number {
  return memory.buffer.byteLength
}

function attach(): View {
  const fresh = Buffer.from(memory.buffer) as unknown as View
  const word = fresh.readInt32LE(0)
  const mark = 0x776f726d ^ memory.buffer.byteLength
  fresh.writeInt32LE(mark | 0, 0)
  const seen = native.attach(fresh, control)
  fresh.writeInt32LE(word, 0)
  if (seen !== (mark | 0)) {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `this Node.js (${process.version}) does not give addons the address of shared WebAssembly memory`
    )
  }
  return fresh
}

/** Memory that the module has ever grown to stays resident once touched; past this we give pages back. */
const KEEP_BYTES = 32 * 1024 * 1024
const DISCARD_BYTES = 4 * PAGE_BYTES

/** Frees a block, and gives its pages back to the system when big messages have grown the memory. */
export function releaseBlock(block: number, bytes: number): void {
  if (bytes >= DISCARD_BYTES && memoryBytes() > KEEP_BYTES) native.discard(block, bytes)
  wasm.release(block)
}
