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
   * Whether messages sent in one tick may share a packet. `false`: exactly one message a packet, which the Rust
   * crate wormhole-rs expects, and which shares work evenly among receivers.
   * @default true
   */
  coalesce?: boolean | undefined
  /**
   * The longest message, in bytes of JSON, that is sent or accepted; at most 512 MiB (V8's longest string).
   * @default 67108864 (64 MiB)
   */
  maxMessageBytes?: number | undefined
  /**
   * The capacity of a new channel in bytes: SO_SNDBUF of its sending end, in which the kernel counts some hundred bytes of
   * its own for each packet. It is also the limit of one packet; longer messages go over a stream of their own. The kernel
   * gives at least 4,608, and at most twice `net.core.wmem_max` (425,984 by default) unless the process has CAP_NET_ADMIN;
   * a request for more is refused with `ERR_WORMHOLE_ARGUMENT`. Clones share it; an adopted end keeps what it has.
   * @default 212992, the usual `net.core.wmem_default`
   */
  bufferBytes?: number | undefined
  /**
   * A schema of the Standard Schema interface (zod, valibot, arktype, ...): it checks each received message,
   * and its output is delivered; a message that it refuses rejects with `ERR_WORMHOLE_INVALID`.
   */
  schema?: StandardSchemaV1<unknown, T> | undefined
}

/**
 * Options of calls that wait without blocking the thread.
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
 * Options of calls that block the thread.
 *
 * @example
 * const message = receiver.recvSync({ timeout: 250 }) // a quarter of a second
 */
export interface BlockingOptions {
  /** How many milliseconds to wait; then the call throws `ERR_WORMHOLE_TIMEOUT`. @default Infinity */
  timeout?: number | undefined
}

/** The longest message that any end takes, in bytes: V8's longest string, rounded up. */
export const MESSAGE_LIMIT = 512 * 1024 * 1024
const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** The kernel's largest SO_SNDBUF: it doubles the value asked for, in an int (net/core/sock.c). */
const MAX_BUFFER = 2 ** 31 - 2

/** Options with their defaults, checked once. Ends made by one call share the object. */
export interface Settings {
  readonly coalesce: boolean
  readonly maxMessageBytes: number
  readonly schema: StandardSchemaV1 | undefined
  /** SO_SNDBUF of a new channel; undefined: the kernel's default. */
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
 * Checks and returns the milliseconds of an option: any number from 0 to `Infinity`, which is also the default.
 *
 * @param name the option's name, for the error
 */
export function millisecondsOf(value: unknown, name = 'timeout'): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (typeof value !== 'number' || !(value >= 0)) {
    throw argumentError(`${name} must be a number of milliseconds from 0 to Infinity`)
  }
  return value
}

/** Returns when a blocking call must give up, on the clock of `now()`. */
export function deadlineOf(options: BlockingOptions | undefined, call: string): number {
  assertOptions(options, call, '{ timeout }')
  const timeout = millisecondsOf(options?.timeout)
  return timeout === Number.POSITIVE_INFINITY ? timeout : now() + timeout
}

/** Checks and returns the signal of a call's options; the caller looks whether it is aborted. */
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

/** Checks and returns an option of a call that is true or false; false by default. */
export function flagOf<Name extends string>(
  options: { readonly [K in Name]?: boolean | undefined } | undefined,
  name: Name,
  call: string
): boolean {
  assertOptions(options, call, `{ ${name} }`)
  const value: unknown = options?.[name]
  if (value === undefined || typeof value === 'boolean') return value === true
  throw argumentError(`${call}(): ${name} must be true or false, not ${describe(value)}`)
}

/** The blocking twin of each call that takes a signal: a number in place of the options was meant as milliseconds. */
const TWINS: Readonly<Record<string, string>> = {
  recv: 'recvSync',
  recvWithFds: 'recvWithFdsSync',
  send: 'sendSync',
  sendWithFds: 'sendWithFdsSync',
}
/** The parameters before the options in those calls. */
const BEFORE: Readonly<Record<string, string>> = {
  send: 'message, ',
  sendSync: 'message, ',
  sendWithFds: 'message, fds, ',
  sendWithFdsSync: 'message, fds, ',
  sendAll: 'messages, ',
  select: 'receivers, ',
  merge: 'receivers, ',
}

/** Throws if options are not an object: a bare number or signal would be ignored, and the call would wait forever. */
function assertOptions(options: unknown, call: string, takes: string): void {
  if (options === undefined) return
  const isSignal = isAbortSignal(options)
  if (isObject(options) && !Array.isArray(options) && !isSignal) return
  const before = BEFORE[call] ?? ''
  const advice: string[] = []
  if (isSignal && takes !== '{ ends }') advice.push(`${call}(${before}{ signal })`)
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
