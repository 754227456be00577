import { recurring } from '../core/clock.js'
import { releaseBlock } from './wasm.js'

// A long message is seldom alone. The memory that one has left is kept for the next, so that its pages need not be
// had anew, for a moment only: a block whose pages are in use must not stay with a program that is done with it.

/** Blocks of fewer bytes are quickly had, and of more cost too much to keep. */
const LEAST_BYTES = 256 * 1024
const MOST_BYTES = 32 * 1024 * 1024
const KEPT_MS = 250
/** A message may take a block so many times as long as itself. */
const MOST_TIMES = 4

export interface Block {
  readonly at: number
  readonly bytes: number
}

let spare: Block | null = null
let used = false
const startLooking = recurring(KEPT_MS, giveBack)

/** Keeps a block for a moment, or gives it back at once. */
export function leaveBlock(at: number, bytes: number): void {
  if (bytes < LEAST_BYTES || bytes > MOST_BYTES || (spare !== null && spare.bytes >= bytes)) {
    releaseBlock(at, bytes)
    return
  }
  if (spare !== null) releaseBlock(spare.at, spare.bytes)
  spare = { at, bytes }
  used = true
  startLooking()
}

/** The block that is kept, if it suits a message of so many bytes; the caller owns it then. */
export function takeBlock(bytes: number): Block | null {
  if (spare === null || bytes < LEAST_BYTES || spare.bytes > MOST_TIMES * bytes) return null
  const block = spare
  spare = null
  return block
}

/** Gives the block back, unless one was left since the last look. */
function giveBack(): boolean {
  if (used) {
    used = false
    return true
  }
  if (spare !== null) releaseBlock(spare.at, spare.bytes)
  spare = null
  return false
}
