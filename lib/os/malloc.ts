/** From here on JSON.stringify collects a text in blocks of malloc(3), not in V8's heap. */
const COLLECTS = Number.parseInt(process.versions.v8, 10) >= 14
/** Of so many units on, such blocks are given back to the system, and the next text faults all its pages in anew. */
export const LONG_TEXT = COLLECTS ? 256 * 1024 : Number.POSITIVE_INFINITY
/** Twice as much freed memory stays with the process. */
const FREED_BYTES = 8 * 1024 * 1024
let freed = false

/**
 * Notes that JSON.stringify made a text of {@link LONG_TEXT} units or more. glibc's free(3) gives back what is over
 * M_TRIM_THRESHOLD, which is twice the longest mapped block that was ever freed (mallopt(3)): at the first long text one is
 * freed, never used.
 */
export function noteLongText(): void {
  if (freed) return
  freed = true
  const block = new ArrayBuffer(FREED_BYTES) as ArrayBuffer & { transfer(bytes: number): ArrayBuffer }
  block.transfer(0)
}
