import { fileURLToPath } from 'node:url'
import { channel, Receiver, Sender } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import * as socket from '#lib/os/syscalls'
import { rawPair } from '../helpers/raw.js'

/** Send back what comes over the first descriptor over the second; or tell of yourself. */
export type Order = 'echo' | 'report'

export interface Report {
  descriptors: number
  /** Sends of the partner's that failed. */
  failures: string[]
}

/** Room for part of a burst only, so that the kernel really takes messages piece by piece. */
const SHORT_BUFFER_BYTES = 4096

/** The process at the other end of a scenario's channels. */
export class Partner {
  readonly #orders: Sender<Order>
  readonly #reports: Receiver<Report>

  constructor() {
    const [orders, ordered] = channel<Order>()
    const [reporting, reports] = channel<Report>()
    fork(fileURLToPath(new URL('partner.js', import.meta.url)), { channels: { orders: ordered, reports: reporting } })
    this.#orders = orders
    this.#reports = reports
  }

  /** A channel to the partner and one back. */
  async echo(): Promise<[Sender, Receiver]> {
    const [sender, toPartner] = channel()
    const [fromPartner, receiver] = channel()
    await this.#orders.sendWithFds('echo', [toPartner, fromPartner])
    return [sender, receiver]
  }

  /** The same over byte streams with little room. */
  async echoStream(): Promise<[Sender, Receiver]> {
    const [sending, toPartner] = rawPair(socket.SOCK_STREAM)
    const [fromPartner, receiving] = rawPair(socket.SOCK_STREAM)
    for (const fd of [sending, fromPartner]) socket.setSendBuffer(fd, SHORT_BUFFER_BYTES)
    await this.#orders.sendWithFds('echo', [Receiver.fromFd(toPartner), Sender.fromFd(fromPartner)])
    return [Sender.fromFd(sending), Receiver.fromFd(receiving)]
  }

  /** Blocking: whoever waits in the event loop leaves a watch behind, which would count. */
  report(): Report {
    this.#orders.sendSync('report')
    return this.#reports.recvSync()
  }

  /** It ends when there will be no more orders. */
  [Symbol.dispose](): void {
    this.#orders.close()
    this.#reports.close()
  }
}
