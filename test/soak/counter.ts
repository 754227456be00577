import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type Incarnation, logOf } from './manifest.js'
import { entriesOf, RECORD_BYTES } from './record.js'

/** How many sends have resolved, by the last record of each sender's log. */
export class Counter {
  readonly #folder: string
  readonly #last = Buffer.alloc(RECORD_BYTES)

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Counts those of all lanes, or of one. */
  count(incarnations: readonly Incarnation[], only?: string): number {
    let total = 0
    for (const { id, does, lane } of incarnations) {
      if ('send' in does && lane === (only ?? lane)) total += this.#resolvedBy(id)
    }
    return total
  }

  #resolvedBy(id: number): number {
    let fd: number
    try {
      fd = openSync(logOf(this.#folder, id), 'r')
    } catch {
      // It has not begun, or was killed before it did.
      return 0
    }
    try {
      const { size } = fstatSync(fd)
      if (size === 0) return 0
      readSync(fd, this.#last, 0, RECORD_BYTES, size - RECORD_BYTES)
      return [...entriesOf(this.#last)][0]!.total
    } finally {
      closeSync(fd)
    }
  }
}
