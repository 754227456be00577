import type { Shape } from './message.js'

export type Sending = 'send' | 'sendAll' | 'trySend'
export type Receiving = 'recv' | 'recvWithFds' | 'iterate' | 'batches' | 'select'

/** Channels, those who send on them and those who receive from them. */
export interface Lane extends Shape {
  name: string
  /** A byte stream has one process at each end: when one is killed both are replaced, and the socket too. */
  type: 'seqpacket' | 'stream'
  coalesce: boolean
  /** How many channels: sender n sends on channel n modulo this, a receiver receives from all. */
  channels: number
  senders: readonly Sending[]
  receivers: readonly Receiving[]
  /** What an actor is. A thread of the supervisor is terminated, a process killed or stopped for a while. */
  actors: 'process' | 'thread'
  /** Whether actors are killed; else they are stopped only, and show over the whole run whether memory is flat. */
  mortal: boolean
  /** Most messages of one burst, and most milliseconds before the next. */
  burst: number
  pauseMs: number
}

/** What a sender of a lane sends: only `send` has a twin that takes descriptors. */
export function shapeOf({ longEvery, fdsEvery }: Lane, way: Sending): Shape {
  return { longEvery, fdsEvery: way === 'send' ? fdsEvery : 0 }
}

const usual = {
  type: 'seqpacket',
  coalesce: true,
  channels: 1,
  actors: 'process',
  mortal: true,
  longEvery: 0,
  fdsEvery: 0,
  burst: 64,
  pauseMs: 20,
} as const

export const lanes: readonly Lane[] = [
  // Descriptors that no receiver takes: they are closed there.
  { ...usual, name: 'one to one', senders: ['send'], receivers: ['recv'], longEvery: 97, fdsEvery: 7 },
  { ...usual, name: 'bulk', senders: ['sendAll'], receivers: ['batches'], longEvery: 4001, burst: 2000 },
  { ...usual, name: 'shared', senders: ['send', 'sendAll', 'trySend'], receivers: ['recv', 'iterate'], longEvery: 61 },
  { ...usual, name: 'one a packet', coalesce: false, senders: ['send', 'trySend'], receivers: ['recv', 'recv'] },
  { ...usual, name: 'descriptors', senders: ['send'], receivers: ['recvWithFds'], fdsEvery: 5, longEvery: 53 },
  { ...usual, name: 'select', channels: 2, senders: ['send', 'trySend'], receivers: ['select'], longEvery: 89 },
  {
    ...usual,
    name: 'stream',
    type: 'stream',
    senders: ['send'],
    receivers: ['recvWithFds'],
    fdsEvery: 9,
    longEvery: 71,
  },
  {
    ...usual,
    name: 'threads',
    actors: 'thread',
    senders: ['send', 'sendAll'],
    receivers: ['recvWithFds', 'batches'],
    fdsEvery: 11,
    longEvery: 83,
  },
  {
    ...usual,
    name: 'survivors',
    mortal: false,
    senders: ['sendAll', 'send'],
    receivers: ['batches', 'recvWithFds'],
    fdsEvery: 101,
    longEvery: 4001,
    burst: 2000,
  },
]
