/** What has become of a message: it waits here, is out to a loop or by a lease, or is done with. */
const WAITING = 0
const OUT = 1
const DONE = 2

/** What a delivery's reply subject says (docs.nats.io, "JetStream wire API"): a domain and an account may come before it. */
interface Delivery {
  count: number
  /** The packet's place in the stream with its time: the same for each delivery of one packet, and for no other. */
  id: string
}

function deliveryOf(reply: string): Delivery {
  const tokens = reply.split('.')
  const at = tokens.length === 9 ? 4 : 6
  return { count: Number(tokens[at]), id: `${tokens[at + 1]}.${tokens[at + 3]}` }
}

/** A packet that was delivered to this receiver and is not acknowledged, and what has become of each of its messages. */
export class LeasedPacket {
  /** Where to acknowledge it: the subject of its latest delivery. */
  reply: string
  readonly id: string
  readonly deliveries: number
  /** The first message that nobody has taken. */
  position = 0
  /** Messages that loops have, or that are on their way back. */
  busy = 0
  #left: number
  readonly #states: Uint8Array

  /**
   * @param texts the messages; one that is empty for a packet that cannot be read
   * @param bytes of their JSON
   */
  constructor(
    reply: string,
    readonly texts: readonly string[],
    readonly bytes: number
  ) {
    this.reply = reply
    const { count, id } = deliveryOf(reply)
    this.deliveries = count
    this.id = id
    this.#left = texts.length
    this.#states = new Uint8Array(texts.length)
  }

  static idOf(reply: string): string {
    return deliveryOf(reply).id
  }

  get count(): number {
    return this.texts.length
  }

  /** Whether all messages are done with. */
  get finished(): boolean {
    return this.#left === 0
  }

  /** Whether nobody has taken a message of it. */
  get untouched(): boolean {
    return this.position === 0
  }

  /** Whether its lease must be renewed: a message that is out by a lease alone has that of its taker's choice. */
  get renews(): boolean {
    return this.position < this.count || this.busy > 0
  }

  out(index: number): void {
    this.#states[index] = OUT
  }

  wait(index: number): void {
    this.#states[index] = WAITING
  }

  /** Returns false if it was done with before. */
  done(index: number): boolean {
    if (this.#states[index] === DONE) return false
    this.#states[index] = DONE
    this.#left--
    return true
  }

  /** The messages that nobody has taken. */
  waiting(): number[] {
    return [...this.#states.keys()].filter((index) => this.#states[index] === WAITING)
  }

  /** The texts of those that are not done with. */
  unfinished(): string[] {
    return this.texts.filter((_, index) => this.#states[index] !== DONE)
  }
}
