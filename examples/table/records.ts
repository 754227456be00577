import type { OwnedFd } from 'wormhole-ipc'

/** The table: pairs of 32-bit numbers, a key and its value, in the order of the keys. */
const PAIR = 2
const PAIR_BYTES = PAIR * Uint32Array.BYTES_PER_ELEMENT

/** The keys are the multiples of this: so most numbers are no key. */
const STEP = 3

export function pairsIn(bytes: number): number {
  return Math.floor(bytes / PAIR_BYTES)
}

export function keyAt(index: number): number {
  return index * STEP
}

/** What the table has for a key: any number that takes some work to make. */
export function valueFor(key: number): number {
  return Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) >>> 0
}

export function build(pairs: number): Uint8Array {
  const words = new Uint32Array(pairs * PAIR)
  for (let index = 0; index < pairs; index++) {
    const key = keyAt(index)
    words[index * PAIR] = key
    words[index * PAIR + 1] = valueFor(key)
  }
  return new Uint8Array(words.buffer)
}

/** A table in the memory of a descriptor, which all who map it share. */
export class Table {
  readonly #words: Uint32Array

  constructor(file: OwnedFd) {
    const bytes = file.map()
    file.close() // the mapping stays
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / Uint32Array.BYTES_PER_ELEMENT)
  }

  get size(): number {
    return this.#words.length / PAIR
  }

  /** Finds the value of a key by halving; null if there is none. */
  find(key: number): number | null {
    let [low, high] = [0, this.size - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      const there = this.#words[middle * PAIR] as number
      if (there === key) return this.#words[middle * PAIR + 1] as number
      if (there < key) low = middle + 1
      else high = middle - 1
    }
    return null
  }

  /** Reads all of it, so that every page is in use here. */
  sum(): number {
    let sum = 0
    for (const word of this.#words) sum = (sum + word) >>> 0
    return sum
  }
}
