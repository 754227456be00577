import type { ErrorRecord } from '../core/carried-error.js'
import { textOf } from '../wire/json.js'

/** The messages of calls, as they are on the wire (docs/wire.md). The first key of each tells which it is. */

/** Requests a call. */
export interface Request {
  /** Identifies it among the caller's calls. */
  call: number
  name: string
  input?: unknown
  /** The receiver's own call within which this is made: that waits for it, so it does not count against the limit. */
  within?: number
}

/** The outcome of a call: the last message about it. */
export interface Answer {
  answer: number
  output?: unknown
  /** The number of descriptors that belong to the output. */
  fds?: number
  /** What the handler threw. */
  error?: ErrorRecord
  /** Why there is no output although no handler threw. */
  refused?: { code: string; message: string }
}

/** A value from a handler that still runs. */
export interface Progress {
  progress: number
  value?: unknown
}

/** The caller no longer waits for the output. It still gets an answer, which says that the call has ended. */
export interface Cancel {
  cancel: number
}

/** The number of unanswered calls that the other side may have; null for any number. */
export interface Window {
  window: number | null
}

/** The window until the other side sends one. */
export const FIRST_WINDOW = 64

export type Form = Request | Answer | Progress | Cancel | Window

/** A message that arrived, which may have any of the keys; `asForm` returns null if it is no object. */
export type Arrived = { readonly [Key in keyof (Request & Answer & Progress & Cancel & Window)]?: unknown }

export function asForm(message: unknown): Arrived | null {
  return typeof message === 'object' && message !== null ? (message as Arrived) : null
}

/** Returns the text of a {@link Request}. @param name as JSON */
export function requestText(id: number, name: string, input: unknown, within: number | undefined): string {
  const head = `{"call":${id},"name":${name}${within === undefined ? '' : `,"within":${within}`}`
  return textOf(`${head},"input":`, input, '}') ?? `${head}}`
}

/** Returns the text of an {@link Answer} with an output that has no descriptors. */
export function answerText(id: number, output: unknown): string {
  return textOf(`{"answer":${id},"output":`, output, '}') ?? `{"answer":${id}}`
}
