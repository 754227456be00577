import { closeSync, fstatSync, openSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { type Sender, WormholeError } from 'wormhole-ipc'
import { Random } from '../helpers/random.js'
import { shapeOf, type Sending as Way } from './lanes.js'
import { fdCount, type Message, makeMessage, type Shape } from './message.js'
import { kinds, type Log } from './record.js'
import type { Role } from './role.js'

/** How often `trySend` may be refused before a message is sent by `send`. */
const ATTEMPTS = 3

/** Sends until it is told to stop, and notes each send before and after. */
export class Sending {
  readonly #role: Role
  readonly #way: Way
  readonly #shape: Shape
  readonly #sender: Sender<Message>
  readonly #log: Log
  readonly #random: Random
  readonly #file: number
  readonly #inode: number
  #next = 0

  constructor(role: Role, way: Way, sender: Sender<Message>, log: Log) {
    this.#role = role
    this.#way = way
    this.#shape = shapeOf(role.lane, way)
    this.#sender = sender
    this.#log = log
    this.#random = new Random(role.seed)
    this.#file = openSync(role.ride, 'a')
    this.#inode = fstatSync(this.#file).ino
  }

  /** One burst after the other; resolves once `stopped`, or when a byte stream's receiver is gone. */
  async run(stopped: () => boolean): Promise<void> {
    const { burst, pauseMs } = this.#role.lane
    try {
      while (!stopped()) {
        await this[this.#way](1 + this.#random.below(burst))
        await setTimeout(this.#random.below(pauseMs))
      }
    } catch (error) {
      if (!isCode(error, 'ERR_WORMHOLE_DISCONNECTED') || this.#role.lane.type !== 'stream') throw error
    } finally {
      closeSync(this.#file)
    }
  }

  /** All in one tick. */
  async send(count: number): Promise<void> {
    const first = this.#intend(count)
    const numbers = Array.from({ length: count }, (_, index) => first + index)
    await Promise.all(numbers.map((number) => this.#sendOne(number)))
  }

  async sendAll(count: number): Promise<void> {
    const first = this.#intend(count)
    const before = this.#sender.stats().messages
    try {
      await this.#sender.sendAll(this.#messages(first, count))
      this.#note(kinds.resolved, first, count)
    } catch (error) {
      if (!isCode(error, 'ERR_WORMHOLE_TRUNCATED')) throw error
      // The kernel has the header of the one that its receiver gave up, and all before it.
      const taken = this.#sender.stats().messages - before
      if (taken > 1) this.#note(kinds.resolved, first, taken - 1)
      this.#note(kinds.rejected, first + taken - 1, 1)
      this.#next = first + taken
    }
  }

  /** One by one; what is refused for long, as it is too long for any side stream's buffer, is sent and awaited. */
  async trySend(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      const number = this.#intend(1)
      const message = this.#message(number)
      let attempt = 0
      while (attempt < ATTEMPTS && !this.#sender.trySend(message)) {
        attempt++
        await setTimeout(1)
      }
      if (attempt < ATTEMPTS) this.#note(kinds.resolved, number, 1)
      else await this.#sendOne(number)
    }
  }

  async #sendOne(number: number): Promise<void> {
    const message = this.#message(number)
    const fds = (message.inodes ?? []).map(() => this.#file)
    try {
      await (fds.length > 0 ? this.#sender.sendWithFds(message, fds) : this.#sender.send(message))
      this.#note(kinds.resolved, number, 1)
    } catch (error) {
      if (!isCode(error, 'ERR_WORMHOLE_TRUNCATED')) throw error
      this.#note(kinds.rejected, number, 1)
    }
  }

  #intend(count: number): number {
    const first = this.#next
    this.#note(kinds.intent, first, count)
    this.#next += count
    return first
  }

  #note(kind: number, first: number, count: number): void {
    this.#log.write(kind, this.#role.id, first, count)
  }

  #message(number: number): Message {
    const { id } = this.#role
    const message = makeMessage(this.#shape, id, number)
    const fds = fdCount(this.#shape, id, number)
    return fds > 0 ? { ...message, inodes: new Array<number>(fds).fill(this.#inode) } : message
  }

  *#messages(first: number, count: number): Generator<Message> {
    for (let number = first; number < first + count; number++) yield this.#message(number)
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof WormholeError && error.code === code
}
