import { PARTIAL_BYTES, SLACK_BYTES } from './layout'

/**
 * The memory of one frame, or of several, whose end has not arrived: a block that doubles up to a limit.
 * It exists only while something is incomplete.
 */
@unmanaged
class Partial {
  block: usize
  /** How much of the block may be used, and how long it is. */
  capacity: usize
  blockBytes: usize
  length: usize
  /** The block that the last growth left behind; the caller gives its pages back and frees it. */
  outgrown: usize
  outgrownBytes: usize
}

/** A new partial that holds a copy of `length` bytes at `start`. */
export function partialNew(start: usize, length: usize): usize {
  const bytes = max<usize>(length, PARTIAL_BYTES)
  return partialIn(heap.alloc(bytes + SLACK_BYTES), bytes, bytes, start, length)
}

/** The same in a block of so many bytes that another one has left, of which it may use `capacity`. */
export function partialIn(block: usize, blockBytes: usize, capacity: usize, start: usize, length: usize): usize {
  const partial = changetype<Partial>(heap.alloc(offsetof<Partial>()))
  partial.block = block
  partial.blockBytes = blockBytes
  partial.capacity = capacity
  partial.length = length
  partial.outgrown = 0
  partial.outgrownBytes = 0
  memory.copy(partial.block, start, length)
  return changetype<usize>(partial)
}

/**
 * Makes room behind the bytes that are there: at least one byte, by doubling, never past `limit` bytes in
 * all. False when the limit is reached. A block that was outgrown is left to the caller.
 */
export function partialReserve(pointer: usize, limit: usize): bool {
  const partial = changetype<Partial>(pointer)
  if (partial.length < partial.capacity) return true
  const capacity = min<usize>(partial.capacity << 1, limit)
  if (capacity <= partial.length) return false
  const block = heap.alloc(capacity + SLACK_BYTES)
  memory.copy(block, partial.block, partial.length)
  partial.outgrown = partial.block
  partial.outgrownBytes = partial.blockBytes
  partial.block = block
  partial.blockBytes = capacity
  partial.capacity = capacity
  return true
}

export function partialOutgrown(pointer: usize): usize {
  const partial = changetype<Partial>(pointer)
  const block = partial.outgrown
  partial.outgrown = 0
  return block
}

export function partialOutgrownBytes(pointer: usize): usize {
  return changetype<Partial>(pointer).outgrownBytes
}

export function partialBlock(pointer: usize): usize {
  return changetype<Partial>(pointer).block
}

export function partialBlockBytes(pointer: usize): usize {
  return changetype<Partial>(pointer).blockBytes
}

export function partialCapacity(pointer: usize): usize {
  return changetype<Partial>(pointer).capacity
}

export function partialLength(pointer: usize): usize {
  return changetype<Partial>(pointer).length
}

/** `count` bytes have arrived in the room that was reserved. */
export function partialAppend(pointer: usize, count: usize): void {
  const partial = changetype<Partial>(pointer)
  partial.length = min(partial.length + count, partial.capacity)
}

/** Drops the first `count` bytes, which have been read. */
export function partialConsume(pointer: usize, count: usize): void {
  const partial = changetype<Partial>(pointer)
  const taken = min(count, partial.length)
  partial.length -= taken
  memory.copy(partial.block, partial.block + taken, partial.length)
}

/** Frees the partial itself, not its block. */
export function partialFree(pointer: usize): void {
  heap.free(pointer)
}

export function allocate(bytes: usize): usize {
  return heap.alloc(bytes)
}

export function release(block: usize): void {
  heap.free(block)
}
