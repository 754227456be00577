import { crc32 } from 'node:zlib'
import { expect } from 'chai'
import { WormholeError } from 'wormhole-ipc'

/** A message that shows on arrival which one it is and that it is whole. */
export interface Numbered {
  number: number
  filler: string
  check: number
}

/** What failed while faults were injected: each error once, however many calls it rejected. */
export class Ledger {
  readonly failures = new Set<WormholeError>()

  /** The call's value in a list; undefined where it failed, which is noted. */
  async attempt<Value>(call: () => Value | Promise<Value>): Promise<[Value] | undefined> {
    try {
      return [await call()]
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }

  fail(error: unknown): void {
    if (!(error instanceof WormholeError)) throw error
    this.failures.add(error)
  }
}

/** What went into one channel and what came out of it. */
export class Account {
  readonly #ledger: Ledger
  readonly #resolved: number[] = []
  readonly #received: number[] = []
  #next = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Sends the next message in the way that `call` knows; whether that resolved. */
  async send(filler: string, call: (message: Numbered) => unknown): Promise<boolean> {
    const number = this.#next
    this.#next++
    const sent = await this.#ledger.attempt(() => call({ number, filler, check: checkOf(number, filler) }))
    if (sent !== undefined) this.#resolved.push(number)
    return sent !== undefined
  }

  receive({ number, filler, check }: Numbered): void {
    expect(check, `the checksum of message ${number}`).to.equal(checkOf(number, filler))
    this.#received.push(number)
  }

  /** Whether as many came out as went in. */
  get even(): boolean {
    return this.#received.length >= this.#resolved.length
  }

  /** What was sent, and that alone, has arrived: once each and in order. */
  verify(): void {
    const resolved = this.#resolved.toSorted((a, b) => a - b)
    expect(this.#received, 'the messages that arrived').to.deep.equal(resolved)
  }
}

function checkOf(number: number, filler: string): number {
  return crc32(filler, number)
}
