import { type Arrived, asForm } from '../calls/forms.js'
import { channel } from '../channel/channel.js'
import type { End } from '../channel/end.js'
import type { Ends } from '../channel/named-ends.js'
import { openPair } from '../channel/pair.js'
import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import type { WormholeError } from '../core/errors.js'
import { MESSAGE_LIMIT, resolveOptions } from '../core/options.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { readEach } from '../receive/read-each.js'
import type { Poster } from '../send/send-request.js'
import type { Job } from './job.js'
import { ORDERS, type Order, type Task, taskText, WORK } from './protocol.js'

/** Is called with each message; if its descriptors were lost, with the error too. */
export type Received = (form: Arrived, fds: readonly OwnedFd[], failure?: WormholeError) => void

/** Errors that end the reading; the process may have died while it wrote an answer (TRUNCATED). */
const ENDS = new Set(['ERR_WORMHOLE_DISCONNECTED', 'ERR_WORMHOLE_CLOSED', 'ERR_WORMHOLE_TRUNCATED'])

/** What stands for a message that is no object. */
const NOTHING: Arrived = {}

/** The pool's ends of the channels to one of its processes. */
export class WorkerChannels {
  /** The process's own ends, to be moved to it. */
  readonly theirs: Ends
  readonly #jobs: Sender<Task>
  /** Jobs that the process has not read. */
  readonly #unread: Receiver<Task>
  readonly #orders: Sender<Order>
  readonly #results: Receiver<unknown>
  readonly #all: End[] = []

  constructor(concurrency: number) {
    try {
      // Where one runs at a time, one job to a packet: each is read by itself, there or here.
      const [jobs, unread] = this.#open<Task>({ coalesce: concurrency > 1 })
      const [orders, orderly] = this.#open<Order>()
      // There each answer is sent by itself too; of a byte stream the pool reads many at once.
      const [sender, results] = concurrency > 1 ? this.#open<unknown>() : this.#openStream<unknown>()
      const receiver = unread.clone()
      this.#all.push(receiver)
      this.#jobs = jobs
      this.#unread = unread
      this.#orders = orders
      this.#results = results
      this.theirs = { [WORK]: { sender, receiver }, [ORDERS]: orderly }
    } catch (error) {
      this.close()
      throw error
    }
    this.order({ concurrency: concurrency === Number.POSITIVE_INFINITY ? null : concurrency })
  }

  #open<T>(options?: { coalesce: boolean }): [Sender<T>, Receiver<T>] {
    const pair = channel({ maxMessageBytes: MESSAGE_LIMIT, ...options }) as [Sender<T>, Receiver<T>]
    this.#all.push(...(pair as unknown as End[]))
    return pair
  }

  #openStream<T>(): [Sender<T>, Receiver<T>] {
    const pair = openPair<T>(socket.SOCK_STREAM, resolveOptions({ maxMessageBytes: MESSAGE_LIMIT }))
    this.#all.push(...pair)
    return pair
  }

  /** Returns false if the channel has no room, or the task is too long for a packet. @throws what `trySend` throws */
  tryGive({ id, input }: Job): boolean {
    return this.#jobs.tryPost(taskText(id, input))
  }

  /**
   * Gives a task that may begin now: those of one tick share packets. Returns false if it is too long for a packet.
   *
   * @param poster is told if it is not sent
   * @throws what the sender throws synchronously
   */
  tryPost({ id, input }: Job, poster: Poster): boolean {
    const text = taskText(id, input)
    if (!this.#jobs.fits(text)) return false
    this.#jobs.post(text, poster, id)
    return true
  }

  /** Asks the process to answer a number without a job; returns false if its channel is full or has ended. */
  tryProbe(probe: Task): boolean {
    try {
      return this.#jobs.trySend(probe)
    } catch {
      return false
    }
  }

  /** @throws what the sender throws synchronously */
  give({ id, input, options: { fds } }: Job): Promise<void> {
    const task = { job: id, input }
    return fds === undefined ? this.#jobs.send(task) : this.#jobs.sendWithFds(task, fds)
  }

  /** Reads back the first job that the process has not read: the process no longer gets it. */
  takeBack(): Task | undefined {
    try {
      return this.#unread.tryRecv()
    } catch {
      // The process has shut the socket down.
      return undefined
    }
  }

  order(order: Order): void {
    try {
      if (!this.#orders.trySend(order)) void quiet(this.#orders.send(order))
    } catch {
      // The process has ended, which is noticed elsewhere.
    }
  }

  /**
   * Reads until the process and all other holders of its sending end are gone.
   *
   * @param lost is called for a message that belongs to no known job, which ends the reading too
   */
  async read(received: Received, lost: (error: WormholeError) => void): Promise<void> {
    const take = (message: unknown, fds: readonly OwnedFd[]) => received(asForm(message) ?? NOTHING, fds)
    for (;;) {
      try {
        await readEach(this.#results, take)
      } catch (error) {
        const { code, received: known } = error as WormholeError
        if (ENDS.has(code)) return
        const form = code === 'ERR_WORMHOLE_FDS_TRUNCATED' ? asForm(known) : null
        if (form === null) return lost(error as WormholeError)
        received(form, [], error as WormholeError)
      }
    }
  }

  /** Keeps our process alive: a job is under way. */
  ref(): void {
    this.#results.ref()
  }

  unref(): void {
    this.#results.unref()
  }

  /** Ends the process immediately. */
  end(): void {
    this.#orders.close()
  }

  close(): void {
    for (const end of this.#all) end.close()
  }
}
