import { SLACK_BYTES } from './layout'

// The memory of a frame whose end has not arrived: a block that doubles as bytes come.

/** Returns a longer block that begins with the `length` bytes of `block`, which the caller still owns. */
export function grow(block: usize, length: usize, capacity: usize): usize {
  const longer = heap.alloc(capacity + SLACK_BYTES)
  memory.copy(longer, block, length)
  return longer
}

/** Moves the `length` bytes after the first `count`, which have been read, to the block's beginning. */
export function consume(block: usize, count: usize, length: usize): void {
  memory.copy(block, block + count, length)
}

export function allocate(bytes: usize): usize {
  return heap.alloc(bytes)
}

export function release(block: usize): void {
  heap.free(block)
}
