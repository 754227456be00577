import type { OwnedFd } from '../fd/owned-fd.js'
import { type FdSource, isOwner } from '../fd/transfer.js'

const kWithFds = Symbol.for('wormhole-ipc.withFds@1')

/**
 * An output with descriptors, as {@link withFds} makes it.
 *
 * @example
 * import { type WithFds, withFds } from 'wormhole-ipc/calls'
 *
 * const open = (): WithFds<{ name: string }> => withFds({ name: 'stdout' }, [process.stdout])
 */
export class WithFds<out Output = unknown> {
  static {
    Object.defineProperty(WithFds.prototype, kWithFds, { value: true })
  }

  /** Tells whether `value` is one, of this copy of the package or another: a job's module may be a bundle. @hidden */
  static [Symbol.hasInstance](value: unknown): value is WithFds {
    try {
      return typeof value === 'object' && value !== null && kWithFds in value
    } catch {
      return false
    }
  }

  /** @internal Use `withFds()`. */
  constructor(
    readonly output: Output,
    readonly fds: readonly FdSource[]
  ) {}
}

/**
 * Makes an output for a handler to return that sends descriptors along: the call then resolves to `[output, fds]`.
 * `OwnedFd`s and ends of channels are moved, numbers and Node's own objects are duplicated, as by `sendWithFds`.
 *
 * @example
 * import { open } from 'node:fs/promises'
 * import { serve, withFds } from 'wormhole-ipc/calls'
 *
 * await serve(link, {
 *   log: async () => withFds('the log', [(await open('/tmp/log', 'a')).fd]),
 * })
 */
export function withFds<Output>(output: Output, fds: readonly FdSource[]): WithFds<Output> {
  return new WithFds(output, fds)
}

/** Closes descriptors that arrived and are not used. */
export function closeAll(fds: readonly OwnedFd[]): void {
  for (const fd of fds) fd.close()
}

/** Closes what would have been moved but was not: user code has given it away and will not close it. */
export function closeMoved(fds: readonly FdSource[]): void {
  for (const fd of fds) if (isOwner(fd)) fd.close()
}
