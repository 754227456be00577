import { once } from 'node:events'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import type { Order, Report } from './protocol.js'

/** One of the server processes that follow each other. */
export class Generation {
  readonly number: number
  readonly #orders: Sender<Order>
  readonly #reports: Receiver<Report>
  readonly #exit: Promise<unknown[]>

  private constructor(number: number, orders: Sender<Order>, reports: Receiver<Report>, exit: Promise<unknown[]>) {
    this.number = number
    this.#orders = orders
    this.#reports = reports
    this.#exit = exit
  }

  static async start(number: number): Promise<Generation> {
    const [orders, takeOrders] = channel<Order>()
    const [sendReports, reports] = channel<Report>()
    const child = fork(new URL('server.js', import.meta.url), [`${number}`], {
      channels: { orders: takeOrders, reports: sendReports },
    })
    const exit = once(child, 'exit')
    // Both reject when it could not be started.
    await Promise.race([once(child, 'spawn'), exit])
    return new Generation(number, orders, reports, exit)
  }

  /** Has it make the listening socket; resolves to its port, if it has one. */
  async listen(address: { port: number } | { path: string }): Promise<number | null> {
    await this.#orders.send({ kind: 'listen', address })
    return this.#accepting()
  }

  /** Has it give its listening socket to a successor; resolves once that accepts, as this one still does. */
  async shareWith(successor: Generation): Promise<void> {
    await this.#orders.sendWithFds({ kind: 'share' }, [successor.#orders.clone()])
    await successor.#accepting()
  }

  /** Has it answer what it has accepted, and end; resolves to the number of all its answers. */
  async stop(): Promise<number> {
    this.#orders.close()
    const report = await this.#report()
    this.#reports.close()
    const [code] = await this.#exit
    if (report.kind !== 'stopped' || code !== 0) throw new Error(`server ${this.number} did not end well`)
    return report.served
  }

  async #accepting(): Promise<number | null> {
    const report = await this.#report()
    if (report.kind !== 'accepting') throw new Error(`server ${this.number} does not accept`)
    return report.port
  }

  async #report(): Promise<Report> {
    try {
      return await this.#reports.recv()
    } catch (cause) {
      throw new Error(`server ${this.number} is gone`, { cause })
    }
  }
}
