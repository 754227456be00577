import type { ErrorRecord } from '../core/carried-error.js'

/** The messages of calls, as they stand on the wire (docs/wire.md). Each is told by the first of its keys. */

/** Asks for a call. */
export interface Request {
  /** Tells it from the caller's other calls. */
  call: number
  name: string
  input?: unknown
  /** The receiver's own call that this one is made for: it runs beyond the receiver's limit, which waits for it. */
  within?: number
}

/** What became of a call: the last that is said of it. */
export interface Answer {
  answer: number
  output?: unknown
  /** How many descriptors belong to the output. */
  fds?: number
  /** What the handler threw. */
  error?: ErrorRecord
  /** Why there is no output though no handler threw. */
  refused?: { code: string; message: string }
}

/** A value from a handler that still runs. */
export interface Progress {
  progress: number
  value?: unknown
}

/** The caller wants no answer any more. It gets one all the same, which tells that the call is over. */
export interface Cancel {
  cancel: number
}

/** How many calls the other side may have made that are not answered; null: any number. */
export interface Window {
  window: number | null
}

/** The window before the other side has said one. */
export const FIRST_WINDOW = 64

export type Form = Request | Answer | Progress | Cancel | Window

/** What arrived, as a form with any of the keys; null for what is no object. */
export type Arrived = { readonly [Key in keyof (Request & Answer & Progress & Cancel & Window)]?: unknown }

export function asForm(message: unknown): Arrived | null {
  return typeof message === 'object' && message !== null ? (message as Arrived) : null
}
