import { Promise } from './globals.js'
import { inodeOf } from './inode.js'
import { List, ListItem } from './list.js'
import { unwatchNow, watch } from './poller.js'
import * as socket from './socket.js'

/** A system call that does not wait: what it returned, for whichever descriptor of the socket it is given. */
type Call = (fd: number) => number

class Waiting extends ListItem<Waiting> {
  constructor(
    readonly call: Call,
    readonly resolve: (result: number) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
  }
}

/** Who waits for one direction of one socket, first come, first served. */
class Queue {
  readonly #waiting = new List<Waiting>()
  /** Ours: the caller may close its number meanwhile, and somebody else may get it. */
  readonly #copy: number
  readonly #events: number
  readonly #key: string

  constructor(fd: number, events: number, key: string) {
    this.#copy = socket.duplicate(fd)
    this.#events = events
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
  }

  onReady(): void {
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      try {
        const result = first.call(this.#copy)
        if (result === socket.EAGAIN) {
          watch(this.#copy, this.#events, this, true)
          return
        }
        first.resolve(result)
      } catch (error) {
        first.reject(error)
      }
      this.#waiting.remove(first)
    }
    this.#close()
  }

  onFailure(error: unknown): void {
    for (let first = this.#waiting.shift(); first !== null; first = this.#waiting.shift()) first.reject(error)
    this.#close()
  }

  #close(): void {
    queues.delete(this.#key)
    unwatchNow(this.#copy)
    socket.close(this.#copy)
  }
}

const queues = new Map<string, Queue>()

/** Makes `call`, again each time the socket is ready for `events`, until it says something else than EAGAIN. */
export function whenReady(fd: number, events: number, call: Call): Promise<number> {
  return new Promise((resolve, reject) => {
    // By inode: the same socket may come under several numbers, and a number may be another socket by now.
    const key = queues.size > 0 ? keyOf(fd, events) : undefined
    let queue = key === undefined ? undefined : queues.get(key)
    if (queue === undefined) {
      const result = call(fd)
      if (result !== socket.EAGAIN) {
        resolve(result)
        return
      }
      queue = new Queue(fd, events, key ?? keyOf(fd, events))
    }
    queue.push(new Waiting(call, resolve, reject))
  })
}

function keyOf(fd: number, events: number): string {
  const inode = inodeOf(fd)
  if (inode === undefined) throw socket.badDescriptor(`descriptor ${fd} is not open`)
  return `${inode}:${events}`
}
