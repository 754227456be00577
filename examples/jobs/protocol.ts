import type { Receiver } from 'wormhole-ipc'
import type { Link } from 'wormhole-ipc/calls'

export interface Job {
  id: number
  text: string
  /** The user who has added it. */
  uid: number
}

/** What the daemon gives to each client. */
export interface Given {
  /** To call it. */
  api: Link
  /** Each job that is added from now on. */
  added: Receiver<Job>
}

/** What a client can call. */
export interface Api {
  add(text: string): Job
  list(): Job[]
}
