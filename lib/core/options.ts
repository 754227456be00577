import type { StandardSchemaV1 } from '@standard-schema/spec'
import { wholeSignal } from './abort.js'
import { now } from './clock.js'
import { describe } from './describe.js'
import { argumentError } from './errors.js'
import { isAbortSignal } from './shapes.js'

/**
 * How a channel, or one adopted end of it, behaves.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * // One job a packet, so that workers share evenly; none longer than a KiB.
 * const [sender, receiver] = channel<{ id: number }>({ coalesce: false, maxMessageBytes: 1024 })
 */
export interface ChannelOptions<T = unknown> {
  /**
   * Whether messages sent in one tick may share a packet. `false`: exactly one message a packet, which is
   * what the Rust crate wormhole-rs expects to receive, and what shares work evenly among receivers.
   * @default true
   */
  coalesce?: boolean | undefined
  /**
   * The longest message, in bytes of JSON, that is sent or accepted; at most 512 MiB (V8's longest string).
   * @default 67108864 (64 MiB)
   */
  maxMessageBytes?: number | undefined
  /**
   * The capacity of a new channel in bytes: SO_SNDBUF of its sending end, as the kernel counts it, with some hundred bytes of
   * its own for each packet. It is also the limit of one packet; longer messages go over a stream of their own. At least
   * 4,608 are given, and at most twice `net.core.wmem_max` (425,984 as systems come) unless the process has CAP_NET_ADMIN:
   * what the kernel does not give is refused with `ERR_WORMHOLE_ARGUMENT`. Clones share it; an end that is adopted keeps
   * what it has.
   * @default 212992, as systems come (`net.core.wmem_default`)
   */
  bufferBytes?: number | undefined
  /**
   * A schema of the Standard Schema interface (zod, valibot, arktype, ...): each received message is
   * checked by it and delivered as it returns it; one that it refuses rejects with `ERR_WORMHOLE_INVALID`.
   */
  schema?: StandardSchemaV1<unknown, T> | undefined
}

/**
 * For calls that wait without blocking the thread.
 *
 * @example
 * const aborting = new AbortController()
 * const message = receiver.recv({ signal: aborting.signal })
 * aborting.abort() // unless a message is there by now, `message` rejects with an AbortError
 */
export interface WaitOptions {
  /** Ends the wait; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * For calls that block the thread.
 *
 * @example
 * const message = receiver.recvSync({ timeout: 250 }) // a quarter of a second
 */
export interface BlockingOptions {
  /** Most milliseconds to wait, `Infinity` included; then the call throws `ERR_WORMHOLE_TIMEOUT`. @default Infinity */
  timeout?: number | undefined
}

/** The longest message that any end takes, in bytes: V8's longest string, rounded up. */
export const MESSAGE_LIMIT = 512 * 1024 * 1024
const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** The kernel's largest SO_SNDBUF: it doubles what is asked for, into an int (net/core/sock.c). */
const MAX_BUFFER = 2 ** 31 - 2

/** Options with their defaults, checked once. Ends made by one call share the object. */
export interface Settings {
  readonly coalesce: boolean
  readonly maxMessageBytes: number
  readonly schema: StandardSchemaV1 | undefined
  /** SO_SNDBUF of a new channel; undefined: as the kernel has it. */
  readonly bufferBytes: number | undefined
}

const defaults: Settings = {
  coalesce: true,
  maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
  schema: undefined,
  bufferBytes: undefined,
}

export function resolveOptions(options: ChannelOptions | undefined): Settings {
  if (options === undefined) return defaults
  if (options === null || typeof options !== 'object') {
    throw argumentError(`options must be an object, not ${describe(options)}`)
  }
  const { coalesce = true, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, schema, bufferBytes } = options
  if (typeof coalesce !== 'boolean') throw argumentError('coalesce must be true or false')
  if (!Number.isInteger(maxMessageBytes) || maxMessageBytes < 1 || maxMessageBytes > MESSAGE_LIMIT) {
    throw argumentError(`maxMessageBytes must be a whole number from 1 to ${MESSAGE_LIMIT}`)
  }
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw argumentError('schema must implement the Standard Schema interface (https://standardschema.dev)')
  }
  if (bufferBytes !== undefined && !(Number.isInteger(bufferBytes) && bufferBytes >= 1 && bufferBytes <= MAX_BUFFER)) {
    throw argumentError(`bufferBytes must be a whole number from 1 to ${MAX_BUFFER}`)
  }
  return { coalesce, maxMessageBytes, schema, bufferBytes }
}

/**
 * The milliseconds of an option, checked: any number from 0 to `Infinity`, which is also what stands for undefined.
 *
 * @param name the option's name, for the error
 */
export function millisecondsOf(value: unknown, name = 'timeout'): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (typeof value !== 'number' || !(value >= 0)) {
    throw argumentError(`${name} must be a number of milliseconds, not negative; Infinity is one`)
  }
  return value
}

/** When a blocking call must give up, on the clock of `now()`. */
export function deadlineOf(options: BlockingOptions | undefined, call: string): number {
  assertOptions(options, call, '{ timeout }')
  const timeout = millisecondsOf(options?.timeout)
  return timeout === Number.POSITIVE_INFINITY ? timeout : now() + timeout
}

/** The signal of a call's options, checked; an aborted one is for the caller to see. */
export function signalOf(
  options: { signal?: AbortSignal | undefined } | undefined,
  call: string
): AbortSignal | undefined {
  if (options === undefined) return undefined
  assertOptions(options, call, '{ signal }')
  const { signal } = options
  if (signal === undefined) return undefined
  if (!isAbortSignal(signal)) throw argumentError(`${call}(): signal must be an AbortSignal, not ${describe(signal)}`)
  return wholeSignal(signal)
}

/** Each blocking twin of a call that takes a signal: who gives a number means milliseconds. */
const TWINS: Readonly<Record<string, string>> = {
  recv: 'recvSync',
  recvWithFds: 'recvWithFdsSync',
  send: 'sendSync',
  sendWithFds: 'sendWithFdsSync',
}
/** What comes before the options in those calls. */
const BEFORE: Readonly<Record<string, string>> = {
  send: 'message, ',
  sendSync: 'message, ',
  sendWithFds: 'message, fds, ',
  sendWithFdsSync: 'message, fds, ',
  sendAll: 'messages, ',
  select: 'receivers, ',
}

/** Throws where options are no object: a number or a signal by itself would be passed over, and the call wait for ever. */
function assertOptions(options: unknown, call: string, takes: string): void {
  if (options === undefined) return
  const isSignal = isAbortSignal(options)
  if (isObject(options) && !Array.isArray(options) && !isSignal) return
  const before = BEFORE[call] ?? ''
  const advice: string[] = []
  if (isSignal) advice.push(`${call}(${before}{ signal })`)
  if (typeof options === 'number') {
    const twin = takes === '{ signal }' ? TWINS[call] : call
    if (twin !== undefined) advice.push(`${twin}(${before}{ timeout: ${options} })`)
    if (takes === '{ signal }') advice.push(`${call}(${before}{ signal: AbortSignal.timeout(${options}) })`)
  }
  const use = advice.length > 0 ? `: use ${advice.join(' or ')}` : ''
  throw argumentError(`${call}() takes ${takes} as its options, not ${describe(options)}${use}`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
