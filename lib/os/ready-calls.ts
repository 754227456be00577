import { onAbort } from '../core/abort.js'
import { recurring } from '../core/clock.js'
import { closedError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { List, ListItem } from '../core/list.js'
import { overBudget } from '../core/loop-budget.js'
import { unwatchNow, watch } from './poller.js'
import * as socket from './syscalls.js'
import { inodeOf } from './syscalls.js'

/** Makes a system call that does not wait, with any descriptor of the socket; returns its result. */
type Call = (fd: number) => number

/** How often to try calls for which the kernel has no event, in milliseconds. */
const RETRY_MS = 5
/** How often to check the numbers that callers wait on, in milliseconds: fs.close() notifies nobody. */
const LOOK_MS = 50

class Waiting extends ListItem<Waiting> {
  /** Stops listening to the signal. */
  stop: (() => void) | undefined

  constructor(
    readonly queue: Queue,
    /** The caller's number for the socket: the wait ends with it. */
    readonly number: number,
    readonly call: Call,
    readonly resolve: (result: number) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
  }
}

/** The calls that wait for one direction of one socket, first come, first served. */
class Queue {
  readonly #waiting = new List<Waiting>()
  /** Our own: the caller may close its number during the wait, and another file may get it. */
  readonly #copy: number
  readonly #inode: number
  readonly #key: string

  constructor(
    fd: number,
    readonly events: number,
    inode: number,
    key: string
  ) {
    this.#copy = socket.duplicate(fd)
    this.#inode = inode
    this.#key = key
    try {
      watch(this.#copy, events, this, true)
    } catch (error) {
      socket.close(this.#copy)
      throw error
    }
    queues.set(key, this)
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting)
    const others = numbers.get(waiting.number)
    if (others === undefined) numbers.set(waiting.number, new Set([waiting]))
    else others.add(waiting)
    startLooking()
    if (this.events === 0) startRetrying()
  }

  onReady(): void {
    this.serve(true)
  }

  onFailure(error: unknown): void {
    for (const waiting of this.#waiting) this.#fail(waiting, error)
    this.#closeIfIdle()
  }

  /** Makes the waiting calls in order, until one would wait again. */
  serve(withinBudget: boolean): void {
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      if (withinBudget && overBudget()) return
      if (!this.isStill(first.number)) this.#fail(first, closedError('socket'))
      else if (!this.#attempt(first)) return
    }
    this.#closeIfIdle()
  }

  /** Rejects one call; the socket is closed with the last. */
  fail(waiting: Waiting, error: unknown): void {
    this.#fail(waiting, error)
    this.#closeIfIdle()
  }

  /** Tells whether the number still refers to this socket. */
  isStill(number: number): boolean {
    return inodeOf(number) === this.#inode
  }

  /** Tries one call; true if it settled. */
  #attempt(waiting: Waiting): boolean {
    try {
      const result = waiting.call(this.#copy)
      if (result === socket.EAGAIN) return false
      this.#remove(waiting)
      waiting.resolve(result)
    } catch (error) {
      this.#fail(waiting, error)
    }
    return true
  }

  #fail(waiting: Waiting, error: unknown): void {
    this.#remove(waiting)
    waiting.reject(error)
  }

  #remove(waiting: Waiting): void {
    this.#waiting.remove(waiting)
    const others = numbers.get(waiting.number)
    others?.delete(waiting)
    if (others?.size === 0) numbers.delete(waiting.number)
    waiting.stop?.()
  }

  #closeIfIdle(): void {
    if (this.#waiting.size > 0 || queues.get(this.#key) !== this) return
    queues.delete(this.#key)
    unwatchNow(this.#copy)
    socket.close(this.#copy)
  }
}

/** By inode: one socket may have several numbers, and a number may refer to another socket by now. */
const queues = new Map<string, Queue>()
/** The waiting calls, by the number that the caller gave. */
const numbers = new Map<number, Set<Waiting>>()

/**
 * Makes `call`, and again each time the socket is ready for `events`, until it returns anything but EAGAIN. Rejects with
 * ERR_WORMHOLE_CLOSED once this process has closed the number, given it away or made another object its owner; and with
 * the reason of `signal`, unless the socket is ready by then. With `events` 0 the call is made every few milliseconds:
 * for what no event tells. Calls of different `lane`s do not wait for each other.
 */
export function whenReady(
  fd: number,
  events: number,
  call: Call,
  signal?: AbortSignal,
  lane: number | string = events
): Promise<number> {
  return new Promise((resolve, reject) => {
    let queue: Queue | undefined
    // The inode may have a queue already, whose callers come first.
    const inode = queues.size > 0 ? openInode(fd) : undefined
    if (inode !== undefined) queue = queues.get(keyOf(inode, lane))
    if (queue === undefined) {
      const result = call(fd)
      if (result !== socket.EAGAIN) {
        resolve(result)
        return
      }
      const known = inode ?? openInode(fd)
      queue = new Queue(fd, events, known, keyOf(known, lane))
    }
    const waiting = new Waiting(queue, fd, call, resolve, reject)
    queue.push(waiting)
    if (signal !== undefined) waiting.stop = onAbort(signal, () => giveUp(waiting, signal.reason))
  })
}

/** Rejects an aborted call, unless the socket became ready while the event loop was busy. */
function giveUp(waiting: Waiting, reason: unknown): void {
  waiting.queue.serve(false)
  if (waiting.list !== null) waiting.queue.fail(waiting, reason)
}

socket.onLeave((fd) => {
  for (const waiting of numbers.get(fd) ?? []) waiting.queue.fail(waiting, closedError('socket'))
})

const startLooking = recurring(LOOK_MS, look)

const startRetrying = recurring(RETRY_MS, retry)

function retry(): boolean {
  let retried = false
  for (const queue of queues.values()) {
    if (queue.events !== 0) continue
    queue.serve(true)
    retried = true
  }
  return retried
}

function look(): boolean {
  for (const [number, waitings] of numbers) {
    for (const waiting of waitings) {
      // All of them wait on the same socket, unless the number was used again in between.
      if (waiting.queue.isStill(number)) break
      waiting.queue.fail(waiting, closedError('socket'))
    }
  }
  return numbers.size > 0
}

function openInode(fd: number): number {
  const inode = inodeOf(fd)
  if (inode === undefined) throw socket.badDescriptor(`descriptor ${fd} is not open`)
  return inode
}

function keyOf(inode: number, lane: number | string): string {
  return `${inode}:${lane}`
}
