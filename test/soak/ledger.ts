import type { Lane } from './lanes.js'
import { type Killed, packetsOf, unexplained } from './losses.js'
import { type Incarnation, logOf, type Manifest } from './manifest.js'
import { isLong, makeMessage } from './message.js'
import { type Entry, kinds, readLog } from './record.js'
import { Sent } from './sent.js'

/** A promise that was not kept. */
export interface Break {
  lane: string
  what: string
  sender: number
  number: number
}

/** The ledger's line for one lane: counts of messages, except where it says otherwise. */
export interface Line {
  resolved: number
  received: number
  /** In the hands of a receiver that was killed. */
  held: number
  /** Broke off, as the sender was killed half-way. */
  broken: number
  sendersKilled: number
  receiversKilled: number
  breaks: Break[]
}

/** Reads the logs of a run and says, lane by lane, what became of every message. */
export function judge(folder: string, { lanes, incarnations, streamBytes }: Manifest): Map<string, Line> {
  return new Map(
    lanes.map((lane) => {
      const own = incarnations.filter((about) => about.lane === lane.name)
      return [lane.name, new LaneLedger(folder, lane, own, streamBytes).line()]
    })
  )
}

/** One receiver's side of it. */
interface Receiver extends Killed {
  about: Incarnation
  last: Map<number, number>
  ended: boolean
}

class LaneLedger {
  readonly #folder: string
  readonly #lane: Lane
  readonly #streamBytes: number
  readonly #sent: Map<number, Sent>
  readonly #receivers: Receiver[]
  readonly #breaks: Break[] = []
  #broken = 0
  #held = 0

  constructor(folder: string, lane: Lane, incarnations: readonly Incarnation[], streamBytes: number) {
    this.#folder = folder
    this.#lane = lane
    this.#streamBytes = streamBytes
    const senders = incarnations.filter(({ does }) => 'send' in does)
    this.#sent = new Map(senders.map((about) => [about.id, new Sent(about, lane)]))
    this.#receivers = incarnations
      .filter(({ does }) => 'receive' in does)
      .map((about) => ({ about, last: new Map(), ended: false }))
  }

  line(): Line {
    for (const sent of this.#sent.values()) this.#read(sent.about, (entry) => sent.note(entry))
    for (const receiver of this.#receivers) this.#read(receiver.about, (entry) => this.#receive(receiver, entry))
    if (this.#lane.type === 'stream') for (const sent of this.#sent.values()) this.#judgeStream(sent)
    else for (let channel = 0; channel < this.#lane.channels; channel++) this.#judgeChannel(channel)
    this.#judgeEnds()
    const total = (count: (sent: Sent) => number) =>
      [...this.#sent.values()].reduce((sum, sent) => sum + count(sent), 0)
    return {
      resolved: total((sent) => sent.resolvedCount),
      received: total((sent) => sent.receivedCount),
      held: this.#held,
      broken: this.#broken,
      sendersKilled: total((sent) => Number(sent.about.killed)),
      receiversKilled: this.#receivers.filter(({ about }) => about.killed).length,
      breaks: this.#breaks,
    }
  }

  #read({ id }: Incarnation, visit: (entry: Entry) => void): void {
    readLog(logOf(this.#folder, id), visit)
  }

  #break(what: string, sender: number, number: number): void {
    this.#breaks.push({ lane: this.#lane.name, what, sender, number })
  }

  #receive(receiver: Receiver, { kind, from, first, count, check }: Entry): void {
    if (kind === kinds.broken) this.#broken++
    if (kind === kinds.end) receiver.ended = true
    if (kind !== kinds.received) return
    const sent = this.#sent.get(from)
    if (sent === undefined) {
      this.#break('never sent', from, first)
      return
    }
    if (check !== sent.checkOf(first, count)) this.#break('torn', from, first)
    for (let number = first; number < first + count; number++) {
      const wrong = sent.receive(number)
      if (wrong !== null) this.#break(wrong, from, number)
      if (number < (receiver.last.get(from) ?? 0)) this.#break('out of order', from, number)
      receiver.last.set(from, number)
    }
  }

  /** Whatever is missing was in one packet of a receiver that was killed, and no such receiver had two. */
  #judgeChannel(channel: number): void {
    const packets = this.#on(channel).flatMap((sent) => packetsOf(sent, sent.missing()))
    const lost = unexplained(
      packets,
      this.#receivers.filter(({ about }) => about.killed)
    )
    for (const packet of packets) {
      if (!lost.includes(packet)) this.#held += packet.count
      else
        for (let index = 0; index < packet.count; index++)
          this.#break('lost', packet.sent.about.id, packet.first + index)
    }
  }

  /**
   * On a byte stream all is received up to where its only receiver was killed. The next message, of any length, may
   * have been there in part; of what is behind that not more than so many bytes are missing.
   */
  #judgeStream(sent: Sent): void {
    const { id, channel } = sent.about
    const killed = this.#receivers.some(({ about }) => about.channel === channel && about.killed)
    let bytes = 0
    for (const [index, number] of sent.missing().entries()) {
      if (index > 0) bytes += Buffer.byteLength(JSON.stringify(makeMessage(sent.shape, id, number)))
      if (killed && number >= sent.received && bytes <= this.#streamBytes) this.#held++
      else this.#break('lost', id, number)
    }
  }

  /** Who was not killed came to its end and settled all; what broke off had a sender that was killed. */
  #judgeEnds(): void {
    let mayBreak = 0
    for (const sent of this.#sent.values()) {
      const { killed, id } = sent.about
      const unsettled = sent.unsettled()
      if (killed) mayBreak += unsettled.filter((number) => this.#mayBreak(sent, number)).length
      else if (!sent.ended) this.#break('sender did not end', id, sent.intended)
      else if (this.#lane.type !== 'stream') for (const number of unsettled) this.#break('never settled', id, number)
    }
    if (this.#broken > mayBreak) this.#break('broke off though its sender lived', -1, this.#broken - mayBreak)
    for (const { about, ended } of this.#receivers) {
      if (!about.killed && !ended) this.#break('receiver did not end', about.id, 0)
    }
  }

  #mayBreak({ shape, about }: Sent, number: number): boolean {
    return this.#lane.type === 'stream' || isLong(shape, about.id, number)
  }

  #on(channel: number): Sent[] {
    return [...this.#sent.values()].filter(({ about }) => about.channel === channel)
  }
}
