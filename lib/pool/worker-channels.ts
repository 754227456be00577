import { type Arrived, asForm } from '../calls/forms.js'
import { channel } from '../channel/channel.js'
import type { WormholeError } from '../core/errors.js'
import { MESSAGE_LIMIT } from '../core/options.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { FdSource } from '../fd/transfer.js'
import type { Ends } from '../process/inheritance.js'
import { ORDERS, type Order, type Task, WORK } from './protocol.js'

const OPTIONS = { maxMessageBytes: MESSAGE_LIMIT }

/** The pool's ends of the channels to one of its processes. */
export class WorkerChannels {
  /** The process's own ends, to be moved there. */
  readonly theirs: Ends
  // One job to a packet: each is taken by itself, there or here.
  readonly #jobs = channel<Task>({ ...OPTIONS, coalesce: false })
  readonly #orders = channel<Order>(OPTIONS)
  readonly #results = channel<unknown>(OPTIONS)

  constructor(concurrency: number) {
    const [sender] = this.#results
    const receiver = this.#jobs[1].clone()
    this.theirs = { [WORK]: { sender, receiver }, [ORDERS]: this.#orders[1] }
    this.order({ concurrency: concurrency === Number.POSITIVE_INFINITY ? null : concurrency })
  }

  /** False where the channel has no room for it, or it is too long for a packet. @throws what the sender throws at once */
  tryGive(task: Task): boolean {
    return this.#jobs[0].trySend(task)
  }

  /** @throws what the sender throws at once */
  give(task: Task, fds: readonly FdSource[] | undefined): Promise<void> {
    const [sender] = this.#jobs
    return fds === undefined ? sender.send(task) : sender.sendWithFds(task, fds)
  }

  /** The first job that the process has not read, which it will not read any more. */
  takeBack(): Task | undefined {
    try {
      return this.#jobs[1].tryRecv()
    } catch {
      // The process has shut the socket down.
      return undefined
    }
  }

  order(order: Order): void {
    try {
      const [sender] = this.#orders
      if (!sender.trySend(order)) void quiet(sender.send(order))
    } catch {
      // It is gone, which others tell.
    }
  }

  /**
   * Reads until the process, and whoever else may answer for it, is gone.
   *
   * @param lost is told of a message whose sender is not known; that is the end too
   */
  async read(
    received: (form: Arrived, fds: OwnedFd[], failure?: WormholeError) => void,
    lost: (error: WormholeError) => void
  ): Promise<void> {
    const [, receiver] = this.#results
    for (;;) {
      try {
        const [message, fds] = await receiver.recvWithFds()
        received(asForm(message) ?? {}, fds)
      } catch (error) {
        const { code, received: known } = error as WormholeError
        if (code === 'ERR_WORMHOLE_DISCONNECTED' || code === 'ERR_WORMHOLE_CLOSED') return
        const form = code === 'ERR_WORMHOLE_FDS_TRUNCATED' ? asForm(known) : null
        if (form === null) return lost(error as WormholeError)
        received(form, [], error as WormholeError)
      }
    }
  }

  /** A job is under way. */
  ref(): void {
    this.#results[1].ref()
  }

  unref(): void {
    this.#results[1].unref()
  }

  /** The process ends at once. */
  end(): void {
    this.#orders[0].close()
  }

  close(): void {
    for (const pair of [this.#jobs, this.#orders, this.#results]) for (const end of pair) end.close()
  }
}
