/**
 * Every error code of this library, and what it means.
 *
 * @example
 * import { errorCodes } from 'wormhole-ipc'
 *
 * for (const [code, meaning] of Object.entries(errorCodes)) console.log(`${code}: ${meaning}`)
 */
export const errorCodes = {
  ERR_WORMHOLE_ADDRESS_IN_USE: 'Something else is at the address: another process, or a file that may not be replaced.',
  ERR_WORMHOLE_ARGUMENT: 'An argument or option has a value that the call cannot take.',
  ERR_WORMHOLE_BAD_FD: 'A descriptor is not open, is owned by another object, or is of a kind that cannot serve here.',
  ERR_WORMHOLE_BUSY: 'More calls or jobs wait already than may wait.',
  ERR_WORMHOLE_CALL_THREW: 'The handler of a call threw; the error that it threw is the cause.',
  ERR_WORMHOLE_CHILD_EXITED: 'A child of forkAndRun() or a process of a pool ended without a result.',
  ERR_WORMHOLE_CHILD_THREW: 'The function that forkAndRun() ran threw; the error is as the child had it.',
  ERR_WORMHOLE_CLOSED: 'The object was used after close(), after detach(), or after it was moved to another process.',
  ERR_WORMHOLE_DISCONNECTED: 'The other ends of the channel are all gone, and what they sent has been received.',
  ERR_WORMHOLE_FDS_TRUNCATED: 'The kernel dropped descriptors of a message because this process may not open more.',
  ERR_WORMHOLE_INVALID: 'The schema refused a message.',
  ERR_WORMHOLE_MALFORMED: 'What arrived is not a frame of UTF-8 JSON.',
  ERR_WORMHOLE_NO_CHANNEL: 'A child asked for a channel that it was not given, or for the other end of it.',
  ERR_WORMHOLE_NO_HANDLER: 'The other side of a link serves no handler of that name.',
  ERR_WORMHOLE_PENDING: 'What is to be given away still holds messages or bytes, which would be lost.',
  ERR_WORMHOLE_REFUSED: 'The listener at the address refused this process; the error says why.',
  ERR_WORMHOLE_SERVER: 'The server of a remote channel refuses a request, or what it kept for the channel is gone.',
  ERR_WORMHOLE_SYSTEM: 'A system call failed; errno and syscall say which and how.',
  ERR_WORMHOLE_TIMEOUT: 'The time given to a blocking call is over.',
  ERR_WORMHOLE_TOO_LARGE: 'A message is longer than maxMessageBytes, or a file than maxBytes.',
  ERR_WORMHOLE_TOO_MANY_FDS: 'More descriptors than one message can carry.',
  ERR_WORMHOLE_TRUNCATED: 'A message broke off: the other side died or gave up half-way through it.',
  ERR_WORMHOLE_UNREACHABLE: 'No listener at the address gave ends before the timeout.',
  ERR_WORMHOLE_UNSERIALIZABLE: 'JSON cannot carry the value.',
  ERR_WORMHOLE_UNSUPPORTED:
    'The platform or the installation cannot run this library, or a remote channel has no such call.',
} as const

/**
 * One of the stable codes on {@link WormholeError.code}.
 *
 * @example
 * import type { WormholeErrorCode } from 'wormhole-ipc'
 *
 * const worthAnotherTry: readonly WormholeErrorCode[] = ['ERR_WORMHOLE_TIMEOUT', 'ERR_WORMHOLE_SYSTEM']
 */
export type WormholeErrorCode = keyof typeof errorCodes

/**
 * What an error carries beside its code and message.
 *
 * @example
 * import { WormholeError, type WormholeErrorDetails } from 'wormhole-ipc'
 *
 * const details: WormholeErrorDetails = { received: { id: 'one' }, cause: 'id is not a number' }
 * throw new WormholeError('ERR_WORMHOLE_INVALID', 'a job has a bad id', details)
 */
export interface WormholeErrorDetails {
  /** The system's error number, negative as in Node's own errors. */
  errno?: number | undefined
  /** The system call that failed. */
  syscall?: string | undefined
  /** What was received. */
  received?: unknown
  /** The error that caused this one. */
  cause?: unknown
}

const kError = Symbol.for('wormhole-ipc.error@1')

/**
 * The one class of error that this library throws or rejects with. Match on `code`.
 *
 * @example
 * import { WormholeError } from 'wormhole-ipc'
 *
 * try {
 *   handle(await receiver.recv())
 * } catch (error) {
 *   if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
 * }
 */
export class WormholeError extends Error {
  static {
    // Errors and traces print it, and bundlers rename classes.
    Object.defineProperty(WormholeError, 'name', { value: 'WormholeError' })
    // Another copy of this package in the process sees it too.
    Object.defineProperty(WormholeError.prototype, kError, { value: true })
  }

  /** Tells whether `value` is such an error, of this copy of the package or another in the process. @hidden */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a class that extends this one has instances of its own
    if (this !== WormholeError) return Function.prototype[Symbol.hasInstance].call(this, value)
    try {
      return typeof value === 'object' && value !== null && kError in value
    } catch {
      // A proxy may throw here; it is not one of these errors.
      return false
    }
  }

  /** The name of the class. In what `forkAndRun` rejects with: the name of the error that the child threw. */
  override name = 'WormholeError'
  /** What went wrong; stable, unlike the message. `docs/errors.md` says for each when it occurs and what to do. */
  readonly code: WormholeErrorCode
  /** The system's error number, negative as in Node's own errors, if a system call failed. */
  declare readonly errno?: number
  /** The system call that failed. */
  declare readonly syscall?: string
  /**
   * What was received, if anything: the message that a schema refused or whose descriptors were dropped,
   * the text that is not JSON (a string), the bytes that are not UTF-8 (a Buffer).
   */
  declare readonly received?: unknown
  /** In `select` and `merge`: the key of the receiver whose message failed. */
  declare key?: string

  /** Makes an error: for this library, and for test doubles of it. */
  constructor(code: WormholeErrorCode, message: string, details: WormholeErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    if (details.errno !== undefined) this.errno = details.errno
    if (details.syscall !== undefined) this.syscall = details.syscall
    if ('received' in details) this.received = details.received
  }
}

/** Too many descriptors of one user are in flight (unix(7)); the number is from asm-generic/errno.h, Node has no name for it. */
export const ETOOMANYREFS = -109

/** Makes the error for a system call that returned `-errno`. */
export function systemError(syscall: string, errno: number, what: string): WormholeError {
  const name = errno === ETOOMANYREFS ? 'ETOOMANYREFS' : process.getBuiltinModule('node:util').getSystemErrorName(errno)
  return new WormholeError('ERR_WORMHOLE_SYSTEM', `${what}: ${syscall} failed with ${name}`, { errno, syscall })
}

export function closedError(what: string, how = 'closed, detached or moved'): WormholeError {
  return new WormholeError('ERR_WORMHOLE_CLOSED', `this ${what} is ${how}`)
}

export function argumentError(message: string, cause?: unknown): WormholeError {
  return new WormholeError('ERR_WORMHOLE_ARGUMENT', message, cause === undefined ? {} : { cause })
}

/** Makes the error for a descriptor's owner inside a message: the receiver could open nothing with its JSON. */
export function notJson(what: string): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_UNSERIALIZABLE',
    `${what === 'OwnedFd' ? 'an' : 'a'} ${what} cannot be part of a message, as it owns a descriptor: send it along with the message, by sendWithFds(message, [it])`
  )
}

/** Makes the error for a `Sender` or `Receiver` (`end`) whose other side is gone. */
export function disconnectedError(end: string, details: WormholeErrorDetails = {}): WormholeError {
  const others = end === 'Sender' ? 'receiving' : 'sending'
  return new WormholeError('ERR_WORMHOLE_DISCONNECTED', `every ${others} end of the channel is gone`, details)
}
