import { type OwnedFd, recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { Account, type Ledger, type Numbered } from '../ledger.js'
import type { Prepare, Scenario } from '../scenario.js'

/** The calls of `wormhole-ipc/socket` on pairs of two types. */
export const raw: Prepare = async (ledger) => {
  const pairs = [new Pair(ledger, 'seqpacket'), new Pair(ledger, 'dgram')]
  return {
    run: async () => {
      for (const pair of pairs) await pair.run()
    },
    finish: async () => {
      for (const pair of pairs) await pair.finish()
    },
  }
}

const ROOM = 1000

class Pair implements Scenario {
  readonly #account: Account
  readonly #ledger: Ledger
  readonly #type: 'seqpacket' | 'dgram'
  #ends: [OwnedFd, OwnedFd] | undefined
  #waiting: Promise<boolean> | undefined

  constructor(ledger: Ledger, type: 'seqpacket' | 'dgram') {
    this.#account = new Account(ledger)
    this.#ledger = ledger
    this.#type = type
  }

  async run(): Promise<void> {
    const made = await this.#ledger.attempt(() => socketpair(this.#type))
    if (made === undefined) return
    this.#ends = made[0]
    await this.#exchange(made[0])
  }

  async finish(): Promise<void> {
    this.#ends ??= socketpair(this.#type)
    await this.#exchange(this.#ends)
    this.#account.verify()
    for (const end of this.#ends) end.close()
  }

  /** With somebody who waits for the first; where none was sent, he waits on. */
  async #exchange([sending, receiving]: [OwnedFd, OwnedFd]): Promise<void> {
    this.#waiting ??= this.#take(receiving)
    for (let count = 0; count < 3; count++) {
      await this.#account.send('raw', (message) => sendmsg(sending, Buffer.from(JSON.stringify(message)), [0]))
    }
    if (this.#account.even) return
    await this.#waiting
    this.#waiting = undefined
    while (!this.#account.even) await this.#take(receiving)
  }

  async #take(receiving: OwnedFd): Promise<boolean> {
    const buffer = Buffer.alloc(ROOM)
    const received = await this.#ledger.attempt(() => recvmsg(receiving, buffer))
    if (received === undefined) return false
    const { bytes, fds } = received[0]
    for (const fd of fds) fd.close()
    this.#account.receive(JSON.parse(buffer.toString('utf8', 0, bytes)) as Numbered)
    return true
  }
}
