import type { Lane, Receiving, Sending } from './lanes.js'

/** What an actor is told when it starts. */
export interface Role {
  /** Differs for each start: its messages and its log carry it. */
  id: number
  lane: Lane
  log: string
  seed: number
  /** A file of its own, to send descriptors of. */
  ride: string
  does: { send: Sending } | { receive: Receiving }
}

/** The names of its ends in a process; in a thread their numbers come under the same names. */
export const STOP = 'stop'
export const endName = (channel: number) => `end ${channel}`
