import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { socketpair } from 'wormhole-ipc/socket'
import type { Lane } from './lanes.js'
import type { Incarnation } from './manifest.js'
import { endName } from './role.js'
import type { Given, Running, Troupe } from './troupe.js'

/** A lane on the move: whoever of it is killed is replaced until the run is over. */
export interface LaneRun {
  /** No more is sent from here on: whoever is gone stays away. */
  lastOnes(): void
  /** Resolves once all its actors are gone. */
  readonly over: Promise<void>
  close(): void
}

export function runLane(lane: Lane, troupe: Troupe): LaneRun {
  return lane.type === 'stream' ? new ByteStreams(lane, troupe) : new Packets(lane, troupe)
}

/**
 * Channels that outlive their actors: this process holds both ends of each, so that what is in the queue when
 * the last receiver is killed waits for the next.
 */
class Packets implements LaneRun {
  readonly #lane: Lane
  readonly #troupe: Troupe
  readonly #channels: [Sender<unknown>, Receiver<unknown>][]
  readonly #places: Promise<void>[]
  #last = false

  constructor(lane: Lane, troupe: Troupe) {
    this.#lane = lane
    this.#troupe = troupe
    this.#channels = Array.from({ length: lane.channels }, () => channel({ coalesce: lane.coalesce }))
    this.#places = [
      ...lane.senders.map((send, index) => this.#place({ send }, index % lane.channels)),
      ...lane.receivers.map((receive) => this.#place({ receive }, 0)),
    ]
  }

  get over(): Promise<void> {
    return Promise.all(this.#places).then(() => undefined)
  }

  lastOnes(): void {
    this.#last = true
    for (const [sender] of this.#channels) sender.close()
  }

  close(): void {
    for (const [sender, receiver] of this.#channels) {
      sender.close()
      receiver.close()
    }
  }

  /** One actor after the other. */
  async #place(does: Incarnation['does'], index: number): Promise<void> {
    let running: Running
    do {
      running = this.#troupe.start({ lane: this.#lane.name, channel: index, does }, this.#lane, this.#ends(does, index))
      await running.ended
    } while (!this.#last && running.about.killed)
  }

  #ends(does: Incarnation['does'], index: number): Given {
    if ('send' in does) return { [endName(0)]: this.#channels[index]![0].clone() }
    return Object.fromEntries(this.#channels.map(([, receiver], each) => [endName(each), receiver.clone()]))
  }
}

/** One byte stream after the other, each with its two processes. */
class ByteStreams implements LaneRun {
  readonly over: Promise<void>
  #last = false

  constructor(lane: Lane, troupe: Troupe) {
    this.over = this.#run(lane, troupe)
  }

  lastOnes(): void {
    this.#last = true
  }

  close(): void {}

  async #run(lane: Lane, troupe: Troupe): Promise<void> {
    const [[send], [receive]] = [lane.senders, lane.receivers]
    let running: Running[]
    for (let channel = 0; ; channel++) {
      const [sending, receiving] = socketpair('stream')
      const about = { lane: lane.name, channel }
      running = [
        troupe.start({ ...about, does: { send: send! } }, lane, { [endName(0)]: sending.sender() }),
        troupe.start({ ...about, does: { receive: receive! } }, lane, { [endName(0)]: receiving.receiver() }),
      ]
      await Promise.all(running.map(({ ended }) => ended))
      if (this.#last || !running.some(({ about }) => about.killed)) return
    }
  }
}
