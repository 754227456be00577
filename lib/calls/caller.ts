import type { Jsonify } from 'type-fest'
import type { Link } from '../channel/link.js'
import { Receiver } from '../channel/receiver.js'
import { Sender } from '../channel/sender.js'
import { argumentError } from '../core/errors.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { CallOptions } from './call.js'
import { Connection } from './connection.js'
import type { WithFds } from './with-fds.js'

/**
 * Handlers by name, of any kind.
 *
 * @example
 * import type { Api } from 'wormhole-ipc/calls'
 *
 * const handlers = { double: (n: number) => 2 * n } satisfies Api
 */
export type Api = Record<string, (input: never, context: never) => unknown>

type Output<T> = unknown extends T
  ? T
  : T extends WithFds<infer Value>
    ? [output: Output<Value>, fds: OwnedFd[]]
    : // biome-ignore lint/suspicious/noConfusingVoidType: what a handler without a result returns.
      [T] extends [undefined | void]
      ? undefined
      : T extends undefined
        ? undefined
        : Jsonify<T>

type Call<Handler> = Handler extends (...args: infer Args) => infer Returned
  ? Args extends []
    ? (input?: undefined, options?: CallOptions) => Promise<Output<Awaited<Returned>>>
    : undefined extends Args[0]
      ? (input?: Args[0], options?: CallOptions) => Promise<Output<Awaited<Returned>>>
      : (input: Args[0], options?: CallOptions) => Promise<Output<Awaited<Returned>>>
  : never

/**
 * Functions that call the other side's handlers. Their results have passed through JSON, and their types say so.
 *
 * @example
 * import { type Caller, caller } from 'wormhole-ipc/calls'
 *
 * type Clock = { now(): Date }
 * const clock: Caller<Clock> = caller<Clock>(link)
 * console.log((await clock.now()).slice(0, 4)) // a Date arrives as a string
 */
export type Caller<Handlers> = { readonly [Name in keyof Handlers]: Call<Handlers[Name]> }

/**
 * Returns functions that call the handlers which the other side of a link serves. Each takes an input and
 * {@link CallOptions}, and resolves to what the handler returns. Calls made before the other side serves wait for it.
 *
 * @returns calls reject with ERR_WORMHOLE_CALL_THREW, whose `cause` is the handler's error;
 * ERR_WORMHOLE_NO_HANDLER; ERR_WORMHOLE_DISCONNECTED when the other side is gone; ERR_WORMHOLE_TIMEOUT; the signal's
 * reason; ERR_WORMHOLE_UNSERIALIZABLE for an input or an output that JSON cannot carry; and with what `send` rejects with
 *
 * @example
 * import { caller } from 'wormhole-ipc/calls'
 *
 * const api = caller<{ double(n: number): number }>(link)
 * console.log(await api.double(21, { timeout: 1000 }))
 */
export function caller<Handlers>(link: Link): Caller<Handlers> {
  assertLink(link)
  const { calling } = Connection.of(link)
  const calls = new Map<string, unknown>()
  const get = (_target: object, name: string | symbol): unknown => {
    // Properties that `await`, a console or JSON reads from any object: no handler can be called by these names.
    if (typeof name === 'symbol' || name === 'then' || name === 'toJSON') return undefined
    let call = calls.get(name)
    if (call === undefined) {
      const handler = { name, json: JSON.stringify(name) }
      call = (input: unknown, options?: CallOptions) => calling.call(handler, input, options)
      calls.set(name, call)
    }
    return call
  }
  return new Proxy<object>(Object.freeze(Object.create(null) as object), { get }) as Caller<Handlers>
}

/** @throws ERR_WORMHOLE_ARGUMENT */
export function assertLink(link: Link): void {
  if (!(link?.sender instanceof Sender && link.receiver instanceof Receiver)) {
    throw argumentError('a link is an object with a sender and a receiver: link() makes two')
  }
}
