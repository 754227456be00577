import { WormholeError } from '../core/errors.js'
import { leaveBlock, takeBlock } from './spare-block.js'
import { memoryBytes, refreshView, releaseBlock, wasm } from './wasm.js'

/**
 * The bytes of a frame whose end has not arrived, in WebAssembly memory that doubles as they come. Exists
 * only while something is incomplete, so that an idle channel has no memory there.
 */
export class Partial {
  #pointer: number

  /**
   * Starts with a copy of bytes that have arrived.
   *
   * @param expected how many it is to hold in the end, if that is known
   */
  constructor(at: number, length: number, expected = 0) {
    this.#pointer =
      guardMemory(() => {
        const spare = takeBlock(expected)
        if (spare === null) return wasm.partialNew(at, length)
        try {
          return wasm.partialIn(spare.at, spare.bytes, Math.min(spare.bytes, expected), at, length)
        } catch (error) {
          leaveBlock(spare.at, spare.bytes)
          throw error
        }
      }) >>> 0
  }

  /** Makes room for more; false when `limit` bytes are there. Blocks that were outgrown are given back. */
  reserve(limit: number): boolean {
    const roomy = guardMemory(() => wasm.partialReserve(this.#pointer, limit)) !== 0
    const outgrown = wasm.partialOutgrown(this.#pointer) >>> 0
    if (outgrown !== 0) releaseBlock(outgrown, wasm.partialOutgrownBytes(this.#pointer) >>> 0)
    return roomy
  }

  /** Where the first byte is. */
  get at(): number {
    return wasm.partialBlock(this.#pointer) >>> 0
  }

  get length(): number {
    return wasm.partialLength(this.#pointer) >>> 0
  }

  /** Where the next bytes go, and how many may come. */
  get tail(): number {
    return this.at + this.length
  }

  get room(): number {
    return (wasm.partialCapacity(this.#pointer) >>> 0) - this.length
  }

  append(count: number): void {
    wasm.partialAppend(this.#pointer, count)
  }

  consume(count: number): void {
    wasm.partialConsume(this.#pointer, count)
  }

  free(): void {
    const pointer = this.#pointer
    if (pointer === 0) return
    this.#pointer = 0
    leaveBlock(wasm.partialBlock(pointer) >>> 0, wasm.partialBlockBytes(pointer) >>> 0)
    wasm.partialFree(pointer)
  }
}

/** The allocator traps when the memory cannot grow; that is an error of one message, not of the program. */
function guardMemory<Result>(call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    const mebibytes = Math.round(memoryBytes() / 2 ** 20)
    throw new WormholeError(
      'ERR_WORMHOLE_TOO_LARGE',
      `no memory for the rest of a message: WebAssembly memory is at ${mebibytes} MiB and cannot grow`,
      { cause }
    )
  } finally {
    refreshView()
  }
}
