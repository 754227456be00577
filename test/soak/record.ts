import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { endianness } from 'node:os'

/** What an actor notes. A range is `count` messages of sender `from`, from `first` on. */
export const kinds = {
  /** A sender is about to send this range. */
  intent: 1,
  /** These sends have resolved. */
  resolved: 2,
  /** This send was rejected: its receiver gave it up. */
  rejected: 3,
  /** A receiver has got this range; `check` is the sum of what it worked out from the contents. */
  received: 4,
  /** A receive was rejected: a message broke off, as its sender died. */
  broken: 5,
  /** A sample of memory: `first` milliseconds after the actor's start it had `count` KiB resident. */
  memory: 6,
  /** The actor has ended by itself: it leaves `first` descriptors where it should leave `count`. */
  end: 7,
} as const

export interface Entry {
  kind: number
  from: number
  first: number
  count: number
  check: number
  /** A sender's messages whose send has resolved, so far. */
  total: number
}

const WORDS = 8
/** Divides a page: the kernel copies a record whole, or, when its writer is killed, not at all. */
export const RECORD_BYTES = WORDS * Uint32Array.BYTES_PER_ELEMENT

if (endianness() !== 'LE') throw new Error('the logs are little-endian')

/**
 * An actor's notes. Each is handed to the kernel by one write(2) before the call returns, and the kernel keeps it
 * whatever becomes of the process.
 */
export class Log {
  readonly #fd: number
  #total = 0

  constructor(path: string) {
    this.#fd = openSync(path, 'a')
  }

  write(kind: number, from: number, first: number, count: number, check = 0): void {
    if (kind === kinds.resolved) this.#total += count
    const bytes = bytesOf({ kind, from, first, count, check, total: this.#total })
    if (writeSync(this.#fd, bytes) !== RECORD_BYTES) throw new Error('a record was cut short')
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Calls `visit` with each record of a log, in order. An actor that was killed as it started has none. */
export function readLog(path: string, visit: (entry: Entry) => void): void {
  if (!existsSync(path)) return
  for (const entry of entriesOf(readFileSync(path))) visit(entry)
}

/** A record as it stands in a log. */
export function bytesOf({ kind, from, first, count, check, total }: Entry): Uint8Array {
  const words = new Uint32Array(WORDS)
  words.set([kind, from, first, count, check, total])
  return new Uint8Array(words.buffer)
}

/** The records in the bytes of a log, or of its last part. */
export function* entriesOf(bytes: Buffer): Generator<Entry> {
  if (bytes.length % RECORD_BYTES !== 0) throw new Error('a log ends within a record')
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    const [kind, from, first, count, check, total] = Array.from({ length: 6 }, (_, word) =>
      bytes.readUInt32LE(at + word * Uint32Array.BYTES_PER_ELEMENT)
    ) as [number, number, number, number, number, number]
    yield { kind, from, first, count, check, total }
  }
}
