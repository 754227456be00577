import type { Entry } from './entry.js'
import type { WormholeError } from './errors.js'
import type { SideWriter } from './side-writer.js'

/** Long messages that may be under way at once; the next one waits in the queue. */
const MOST = 8

/** A sender's long messages whose header the kernel has and whose payload is under way. */
export class SideStreams {
  readonly #entries = new Map<SideWriter, Entry>()

  get size(): number {
    return this.#entries.size
  }

  get full(): boolean {
    return this.#entries.size >= MOST
  }

  /** Descriptors that must become writable before these can go on. */
  get fds(): number[] {
    return [...this.#entries.keys()].map((side) => side.fd)
  }

  /** Goes on by itself until the kernel has the whole message; calls `done` then, or when it failed. */
  follow(side: SideWriter, entry: Entry, keepsAlive: boolean, done: () => void): void {
    this.#entries.set(side, entry)
    side.start(keepsAlive, (error) => {
      this.#entries.delete(side)
      entry.settle(error)
      done()
    })
  }

  /** Gives up a message if it is one of these. */
  withdraw(entry: Entry, reason: unknown): boolean {
    for (const [side, owner] of this.#entries) {
      if (owner !== entry) continue
      side.abandon(reason as WormholeError)
      return true
    }
    return false
  }

  /** Sends what can be sent without waiting. */
  pump(): void {
    for (const side of this.#entries.keys()) side.onReady()
  }

  settled(): Promise<void>[] {
    return [...this.#entries.values()].map((entry) => entry.wait())
  }

  setKeepsAlive(keepsAlive: boolean): void {
    for (const side of this.#entries.keys()) side.setKeepsAlive(keepsAlive)
  }
}
