import { describe as say } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { endOf } from '../fd/descriptor.js'
import './channel.js'
import type { End } from './end.js'
import type { Link } from './link.js'
import { Receiver } from './receiver.js'
import { Sender } from './sender.js'

/** Ends by name, as a child or a client of a listener gets them (docs/wire.md). */

/**
 * Ends by name.
 *
 * @example
 * import type { Ends } from 'wormhole-ipc/process'
 *
 * const channels: Ends = { jobs: receiver, results: sender }
 */
export type Ends = Record<string, End | Link>
/**
 * Ends by name, given as an interface: without an index signature it is not assignable to {@link Ends}.
 *
 * @example
 * import type { Receiver } from 'wormhole-ipc'
 * import { type EndsOf, fork } from 'wormhole-ipc/process'
 *
 * interface Channels {
 *   jobs: Receiver<{ id: number }>
 * }
 *
 * function startAll<T extends EndsOf<T>>(modules: string[], channels: () => T) {
 *   return modules.map((module) => fork<T>(module, { channels: channels() }))
 * }
 * startAll<Channels>(['./worker.js'], () => ({ jobs: receiver.clone() }))
 */
export type EndsOf<T> = { [K in keyof T]: End | Link }

/** What a table says of one end. */
export interface Row {
  /** Which of the descriptors it is: its number in a child, its place in a packet. */
  fd: number
  end: 'sender' | 'receiver'
  coalesce: boolean
  maxMessageBytes: number
}

/** A link's two ends. */
interface LinkRows<R extends Row> {
  sender: R
  receiver: R
}

export type Table<R extends Row = Row> = Record<string, R | LinkRows<R>>

function isLink(given: unknown): given is Link {
  const { sender, receiver } = (given ?? {}) as Partial<Link>
  return endOf(sender) === 'sender' && endOf(receiver) === 'receiver'
}

/** Lists the single ends, those of links included, each with its name. */
export function single(channels: Ends): [string, End][] {
  return Object.entries(channels).flatMap(([name, given]): [string, End][] =>
    isLink(given)
      ? [
          [`${name}.sender`, given.sender],
          [`${name}.receiver`, given.receiver],
        ]
      : [[name, given as End]]
  )
}

/** Throws if one of the ends that `single` listed is none, or is there twice. */
export function requireEnds(ends: [string, End][]): void {
  for (const [name, end] of ends) {
    if (endOf(end) === undefined) {
      throw argumentError(`channels: "${name}" is ${say(end)}, not a Sender, a Receiver or a Link`)
    }
    const twice = ends.find(([, other]) => other === end)?.[0]
    if (twice !== name) throw argumentError(`channels: "${twice}" and "${name}" are the same end; give one a clone()`)
  }
}

/** Makes a table of the ends, whose descriptors have the numbers from `first` on in the order of `single`. */
export function tableOf<More extends object>(
  channels: Ends,
  first: number,
  more: (end: End) => More
): Table<Row & More> {
  let fd = first
  const row = (end: End): Row & More => ({
    fd: fd++,
    end: endOf(end) as 'sender' | 'receiver',
    ...end.limits,
    ...more(end),
  })
  const table = Object.entries(channels).map(([name, given]): [string, Table<Row & More>[string]] => [
    name,
    isLink(given) ? { sender: row(given.sender), receiver: row(given.receiver) } : row(given as End),
  ])
  return Object.fromEntries(table)
}

/** Tells whether a value that came from outside is a table, each of whose rows `isRow` accepts too. */
export function isTable<R extends Row>(value: unknown, isRow: (row: R) => boolean): value is Table<R> {
  if (typeof value !== 'object' || value === null) return false
  const fits = (row: Partial<R> | null | undefined) => hasRow(row) && isRow(row as R)
  return Object.values(value).every((entry: Partial<R & LinkRows<R>> | null) => {
    if (fits(entry)) return true
    const { sender, receiver } = entry ?? {}
    return fits(sender) && fits(receiver) && sender?.end === 'sender' && receiver?.end === 'receiver'
  })
}

function hasRow(row: Partial<Row> | null | undefined): boolean {
  return (
    typeof row === 'object' &&
    row !== null &&
    Number.isInteger(row.fd) &&
    (row.end === 'sender' || row.end === 'receiver')
  )
}

/** Lists the rows of a table, those of links included, each with its name. */
export function rowsOf<R extends Row>(table: Table<R>): [string, R][] {
  return Object.entries(table).flatMap(([name, entry]): [string, R][] =>
    'end' in entry
      ? [[name, entry]]
      : [
          [`${name}.sender`, entry.sender],
          [`${name}.receiver`, entry.receiver],
        ]
  )
}

/** Makes the ends of a table, with `make` for each; if one fails, those before it are closed. */
export function endsOf<R extends Row>(table: Table<R>, make: (name: string, row: R) => End): Ends {
  const ends: End[] = []
  const made = (name: string, row: R): End => {
    const end = make(name, row)
    ends.push(end)
    return end
  }
  try {
    return Object.fromEntries(
      Object.entries(table).map(([name, entry]): [string, End | Link] => [
        name,
        'end' in entry
          ? made(name, entry)
          : {
              sender: made(`${name}.sender`, entry.sender) as Sender,
              receiver: made(`${name}.receiver`, entry.receiver) as Receiver,
            },
      ])
    )
  } catch (error) {
    // They are out of reach here, and their peers must see the end.
    for (const end of ends) end.close()
    throw error
  }
}

/** Methods that only one kind of end has: in a child, those of the other kind throw an error that says so. */
const ONLY_SENDER = [
  'send',
  'sendWithFds',
  'sendAll',
  'trySend',
  'sendSync',
  'sendWithFdsSync',
  'flush',
  'gone',
  'writable',
]
const ONLY_RECEIVER = ['recv', 'recvWithFds', 'tryRecv', 'recvSync', 'recvWithFdsSync', 'batches', Symbol.asyncIterator]

/** Adopts a descriptor as the end that the row describes. */
export function adopt(name: string, fd: number, row: Row): End {
  const { end, coalesce, maxMessageBytes } = row
  const options = { coalesce, maxMessageBytes }
  const adopted = end === 'sender' ? Sender.fromFd(fd, options) : Receiver.fromFd(fd, options)
  const missing = end === 'sender' ? ONLY_RECEIVER : ONLY_SENDER
  for (const method of missing) {
    const value = () => {
      throw new WormholeError(
        'ERR_WORMHOLE_NO_CHANNEL',
        `"${name}" is the ${end === 'sender' ? 'sending' : 'receiving'} end of its channel here: it has no ${String(method)}`
      )
    }
    Object.defineProperty(adopted, method, { value })
  }
  return adopted
}

/** Returns an object that has these ends; reading a name that is not among them throws. */
export function byName<T extends EndsOf<T>>(ends: Ends): T {
  return new Proxy(ends, { get: find }) as T
}

function find(ends: Ends, name: string | symbol): unknown {
  if (typeof name === 'symbol' || Object.hasOwn(ends, name)) return Reflect.get(ends, name)
  // Properties that `await`, a console or a test reads from any object.
  if (name === 'then' || name === 'toJSON' || name === 'constructor' || name === 'inspect')
    return Reflect.get(Object.prototype, name)
  const names = Object.keys(ends).join(', ') || 'none'
  throw new WormholeError('ERR_WORMHOLE_NO_CHANNEL', `no channel "${name}" was given to this process; it has: ${names}`)
}
