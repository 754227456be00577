import { closeSync } from 'node:fs'
import { type ChannelOptions, Receiver, WormholeError } from 'wormhole-ipc'
import { rawPair, rawSend } from './raw.js'
import type { Outcome } from './reference-framer.js'

export const DISCONNECTED: Outcome = { code: 'ERR_WORMHOLE_DISCONNECTED', received: undefined }

/** More than any test writes. */
const MAX_OUTCOMES = 100_000

/** A receiver whose peer is a bare socket, which writes any bytes. */
export class BarePeer {
  readonly receiver: Receiver
  #fd: number

  constructor(type: number, options?: ChannelOptions) {
    const [bare, receiving] = rawPair(type)
    this.#fd = bare
    this.receiver = Receiver.fromFd(receiving, options)
  }

  /** Makes one sendmsg(2). */
  write(bytes: Uint8Array, fds?: readonly number[]): void {
    rawSend(this.#fd, bytes, fds)
  }

  /** Ends the writing. */
  end(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  /** Receives everything that is there without waiting, up to the end. */
  drain(): Outcome[] {
    const outcomes: Outcome[] = []
    while (outcomes.length < MAX_OUTCOMES) {
      try {
        const value = this.receiver.tryRecv()
        if (value === undefined) return outcomes
        outcomes.push({ value })
      } catch (error) {
        if (!(error instanceof WormholeError)) throw error
        outcomes.push({ code: error.code, received: error.received })
        if (error.code === 'ERR_WORMHOLE_DISCONNECTED') return outcomes
      }
    }
    throw new Error('there is no end of what can be received')
  }

  [Symbol.dispose](): void {
    this.end()
    this.receiver.close()
  }
}
