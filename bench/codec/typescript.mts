import { isAscii } from 'node:buffer'
import type { Wasm } from '../../dist/wasm.js'

// The hot functions of assembly/ once more in plain TypeScript: same arguments, same answers, same bytes. Where Node has
// a native search that beats a loop, it is used, as anybody would who had no WebAssembly.

/** The functions that every message passes through, and what they leave to be read. */
export type HotFunctions = Pick<
  Wasm,
  | 'sealFrames'
  | 'walkFrames'
  | 'frames'
  | 'wholeBytes'
  | 'declared'
  | 'frameSize'
  | 'mergeFrames'
  | 'mergedAscii'
  | 'restoreBehind'
  | 'unmergeFrames'
  | 'allAscii'
>

/** The constants of assembly/layout.ts, as a module exports them. */
export type Layout = Pick<
  Wasm,
  'HEADER_BYTES' | 'PLACEHOLDER' | 'MERGE_FRAMES' | 'WHOLE' | 'CUT_HEADER' | 'CUT_FRAME' | 'OVER_LIMIT'
>

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const CASE_BIT = 0x20
const OPENING = 0x7b // '{', and '[' with the case bit set
const CLOSING = 0x7d // '}', and ']' with the case bit set
const CLOSING_BRACKET = 0x5d

// Four bytes of text each, in memory order.
const SPACES = 0x20202020
const FIRST_ELEMENT = 0x5b202020 // '['
const NEXT_ELEMENT = 0x2c202020 // ','

const HIGH_WORD = 2 ** 32

/** From here on a call to Node's own check is faster than a loop (measured). */
const NATIVE_ASCII_BYTES = 1024

/** The hot functions over `memory`, in which addresses count from 0. */
export function hotFunctions(memory: Buffer<ArrayBuffer>, layout: Layout): HotFunctions {
  const words = new DataView(memory.buffer, memory.byteOffset, memory.length)
  const HEADER = layout.HEADER_BYTES.value
  const PLACEHOLDER = layout.PLACEHOLDER.value
  const MERGE_FRAMES = layout.MERGE_FRAMES.value
  const WHOLE = layout.WHOLE.value
  const CUT_HEADER = layout.CUT_HEADER.value
  const CUT_FRAME = layout.CUT_FRAME.value
  const OVER_LIMIT = layout.OVER_LIMIT.value

  const frames = { value: 0 }
  const wholeBytes = { value: 0 }
  const declared = { value: 0 }
  let behind = 0
  let highBits = 0

  function writeLength(at: number, length: number): void {
    words.setUint32(at, length, true)
    words.setUint32(at + 4, 0, true)
  }

  function sealFrames(start: number, length: number): number {
    if (length < HEADER || memory[start] !== PLACEHOLDER) return -1
    const batch = memory.subarray(start, start + length)
    let count = 0
    let header = 0
    for (;;) {
      const found = batch.indexOf(PLACEHOLDER, header + HEADER)
      const next = found < 0 ? length : found
      writeLength(start + header, next - header - HEADER)
      count++
      if (next === length) return count
      if (length - next < HEADER) return -1
      header = next
    }
  }

  function walkFrames(start: number, length: number, limit: number): number {
    const end = start + length
    let at = start
    let count = 0
    let status = WHOLE
    while (at < end) {
      const left = end - at
      if (left < HEADER) {
        status = CUT_HEADER
        break
      }
      const size = words.getUint32(at, true) + HIGH_WORD * words.getUint32(at + 4, true)
      if (size > limit || size > left - HEADER) {
        declared.value = size
        status = size > limit ? OVER_LIMIT : CUT_FRAME
        break
      }
      at += HEADER + size
      count++
    }
    frames.value = count
    wholeBytes.value = at - start
    return status
  }

  function standsAlone(from: number, end: number): boolean {
    let at = from
    let depth = 0
    let seen = 0
    while (at < end) {
      let byte = memory[at++] as number
      seen |= byte
      const folded = byte | CASE_BIT
      if (byte === QUOTE) {
        for (;;) {
          if (at >= end) return false
          byte = memory[at++] as number
          seen |= byte
          if (byte === QUOTE) break
          if (byte === BACKSLASH && at < end) seen |= memory[at++] as number
        }
      } else if (folded === OPENING) {
        depth++
      } else if (folded === CLOSING) {
        if (depth === 0) return false
        depth--
      } else if (byte === COMMA) {
        if (depth === 0) return false
      } else if (byte === BACKSLASH && at < end) {
        // No JSON, but what is escaped opens no string.
        const escaped = memory[at]
        if (escaped === QUOTE || escaped === BACKSLASH) at++
      }
    }
    highBits |= seen & 0x80
    return depth === 0
  }

  function mergeFrames(start: number, length: number, table: number): number {
    const end = start + length
    let at = start
    let count = 0
    highBits = 0
    while (at < end) {
      if (count === MERGE_FRAMES) return 0
      const size = words.getUint32(at, true)
      const payload = at + HEADER
      at = payload + size
      if (!standsAlone(payload, at)) return 0
      words.setUint32(table + 4 * count, size, true)
      count++
    }
    at = start
    let element = FIRST_ELEMENT
    for (let index = 0; index < count; index++) {
      words.setUint32(at, SPACES, true)
      words.setUint32(at + 4, element, true)
      element = NEXT_ELEMENT
      at += HEADER + words.getUint32(table + 4 * index, true)
    }
    behind = memory[end] as number
    memory[end] = CLOSING_BRACKET
    return 1
  }

  function unmergeFrames(start: number, count: number, table: number): void {
    let at = start
    for (let index = 0; index < count; index++) {
      const size = words.getUint32(table + 4 * index, true)
      writeLength(at, size)
      at += HEADER + size
    }
  }

  function allAscii(from: number, end: number): number {
    if (end - from >= NATIVE_ASCII_BYTES) return isAscii(memory.subarray(from, end)) ? 1 : 0
    let at = from
    for (; at + 4 <= end; at += 4) {
      if ((words.getUint32(at, true) & 0x80808080) !== 0) return 0
    }
    for (; at < end; at++) {
      if ((memory[at] as number) >= 0x80) return 0
    }
    return 1
  }

  return {
    sealFrames,
    walkFrames,
    frames,
    wholeBytes,
    declared,
    frameSize: (at) => words.getUint32(at, true),
    mergeFrames,
    mergedAscii: () => (highBits === 0 ? 1 : 0),
    restoreBehind: (end) => {
      memory[end] = behind
    },
    unmergeFrames,
    allAscii,
  }
}
