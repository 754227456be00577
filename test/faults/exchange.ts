import { expect } from 'chai'
import type { Receiver, Sender, WormholeError } from 'wormhole-ipc'
import { Account, type Ledger, type Numbered } from './ledger.js'
import type { Partner } from './partnership.js'
import type { Prepare } from './scenario.js'

/** How a scenario sends and receives one message. */
export interface Ways {
  /** What messages are made long with. */
  filler: string
  open(partner: Partner): Promise<[Sender, Receiver]>
  send(sender: Sender, message: Numbered): unknown
  receive(receiver: Receiver): unknown
}

/** What the partner sends back: a message, or which error it got in the place of one. */
type Returned = Numbered | { broken: string }

/** Messages on their way to the partner and back. */
export class Exchange {
  readonly #account: Account
  readonly #ledger: Ledger
  readonly #ways: Ways
  /** Nothing comes back any more. */
  #ended = false
  /** Whether a fault has ended the sender. */
  over = false

  private constructor(
    ledger: Ledger,
    ways: Ways,
    public sender: Sender,
    public receiver: Receiver
  ) {
    this.#account = new Account(ledger)
    this.#ledger = ledger
    this.#ways = ways
  }

  static async open(ledger: Ledger, partner: Partner, ways: Ways): Promise<Exchange> {
    return new Exchange(ledger, ways, ...(await ways.open(partner)))
  }

  /** So many sends in one tick; whether each resolved. */
  burst(count: number): Promise<boolean[]> {
    const send = (message: Numbered) => this.#ways.send(this.sender, message)
    return Promise.all(Array.from({ length: count }, () => this.#account.send(this.#ways.filler, send)))
  }

  /** One send, by other means than the usual. */
  send(call: (message: Numbered) => unknown): Promise<boolean> {
    return this.#account.send(this.#ways.filler, call)
  }

  /** One receive. */
  async take(): Promise<void> {
    try {
      this.accept(await this.#ways.receive(this.receiver))
    } catch (error) {
      this.refuse(error)
    }
  }

  /** What has been received by other means. */
  accept(returned: unknown): void {
    const message = returned as Returned
    if ('broken' in message) expect(message.broken).to.equal('ERR_WORMHOLE_TRUNCATED')
    else this.#account.receive(message)
  }

  /** How a receive failed: the end and a message that was given up half-way are no failures of this side's. */
  refuse(error: unknown): void {
    const { code, errno } = error as WormholeError
    if (code === 'ERR_WORMHOLE_DISCONNECTED') this.#ended = true
    else if (code !== 'ERR_WORMHOLE_TRUNCATED' || errno !== undefined) this.#ledger.fail(error)
  }

  /** Whether everything that was sent is back. */
  get even(): boolean {
    return this.#ended || this.#account.even
  }

  /** Receives until it is. */
  async drain(): Promise<void> {
    while (!this.even) await this.take()
  }

  /** Closes both ends; what was sent has arrived. */
  close(): void {
    this.sender.close()
    this.receiver.close()
    this.#account.verify()
  }

  /** No fault any more: what is under way arrives, so does more, then comes the end, and nothing besides. */
  async finish(): Promise<void> {
    const before = this.#ledger.failures.size
    const clean = await this.burst(3)
    this.over = clean.includes(false)
    if (this.over) expect(clean, 'sends by a sender that is over').to.deep.equal([false, false, false])
    this.sender.close()
    while (!this.#ended) await this.take()
    this.receiver.close()
    this.#account.verify()
    expect(this.#ledger.failures.size, 'errors with the fault gone').to.equal(before)
  }
}

/** Bursts to the partner and back, with somebody waiting for the first message before it is sent. */
export function exchanging(waysOf: (ledger: Ledger) => Ways, bursts: readonly number[]): Prepare {
  return async (ledger, partner) => {
    const ways = waysOf(ledger)
    const exchange = await Exchange.open(ledger, partner, ways)
    return {
      run: async () => {
        const first = exchange.take()
        for (const count of bursts) await exchange.burst(count)
        // It may be that none was sent.
        if (!exchange.even) await first
        await exchange.drain()
      },
      finish: () => finish(exchange, ledger, partner, ways),
    }
  }
}

/** Finishes it; where the sender is over, a new pair of channels still works. */
export async function finish(exchange: Exchange, ledger: Ledger, partner: Partner, ways: Ways): Promise<void> {
  await exchange.finish()
  if (!exchange.over) return
  const another = await Exchange.open(ledger, partner, ways)
  await another.finish()
  expect(another.over).to.equal(false)
}
