import { WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import { cannotLoad } from '../core/package-files.js'
import { native } from './addon.js'
import { control } from './control.js'

// The part of the WebAssembly interface that this module uses: @types/node leaves it to the DOM's types.
declare namespace WebAssembly {
  class Memory {
    constructor(options: { initial: number; maximum: number; shared: boolean })
    readonly buffer: SharedArrayBuffer
  }
}

/** The shared memory that the addon and the WebAssembly module work in, and JavaScript's views of it. */

export const PAGE_BYTES = 65536
/** Reserves address space, uses no memory: WebAssembly's maximum, 4 GiB. */
const MAXIMUM_PAGES = 65536
const INITIAL_PAGES = 16

export const memory = reserve()

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

/** A Buffer with the methods that `write` and `toString` call: for a small packet the detour takes as long as the work. */
interface View extends Buffer {
  utf8Write(text: string, at: number, room: number): number
  latin1Slice(at: number, end: number): string
}

/** All of the thread's WebAssembly memory. Call {@link refreshView} after anything that may grow it. */
export let view: View = attach()

/** Makes a longer view if the memory has grown: it never moves, but a view keeps its length. */
export function refreshView(): void {
  if (view.length !== memory.buffer.byteLength) view = attach()
}

/** Returns a view of the numbers that the module writes at an address; like all of the memory, they never move. */
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
      `this Node.js (${process.version}) does not give addons the address of shared WebAssembly memory: use another version`
    )
  }
  return fresh
}

/** Gives the pages of a block back to the system; they read as zeros afterwards. */
export function discard(at: number, bytes: number): void {
  native.discard(at, bytes)
}
