import '../channel/channel.js'
import type { End } from '../channel/end.js'
import type { Link } from '../channel/link.js'
import { Receiver } from '../channel/receiver.js'
import { Sender } from '../channel/sender.js'
import { WormholeError } from '../core/errors.js'
import { endOf } from '../fd/descriptor.js'
import { inodeOf } from '../os/syscalls.js'
import { awaitRunner } from './run-guard.js'
import { INPUT } from './run-protocol.js'

/** How channels reach a child: a table in its environment, and descriptors (docs/wire.md). */

/** The environment variable that carries the table. */
export const TABLE_VARIABLE = 'WORMHOLE_CHANNELS'

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

/** One end in the table. */
interface Row {
  fd: number
  end: 'sender' | 'receiver'
  /** The socket's inode: in a grandchild it shows that the table is stale and other files have these numbers. */
  inode: number
  coalesce: boolean
  maxMessageBytes: number
}

/** A link's two ends. */
interface LinkRows {
  sender: Row
  receiver: Row
}

type Table = Record<string, Row | LinkRows>

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

/** Makes the table's text. The child has the ends, in the order of `single`, as `firstFd`, `firstFd + 1`, ... */
export function describe(channels: Ends, firstFd: number): string {
  let fd = firstFd
  const row = (end: End): Row => ({
    fd: fd++,
    end: endOf(end) as 'sender' | 'receiver',
    inode: inodeOf(end.fd) as number,
    ...end.limits,
  })
  const table = Object.entries(channels).map(([name, given]): [string, Row | LinkRows] => [
    name,
    isLink(given) ? { sender: row(given.sender), receiver: row(given.receiver) } : row(given as End),
  ])
  return JSON.stringify(Object.fromEntries(table))
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

/**
 * Removes the table from the environment, so that no grandchild gets it, and adopts its descriptors, so that
 * none inherits them. Returns undefined if there is no table.
 */
export function claim(): Ends | undefined {
  const text = process.env[TABLE_VARIABLE]
  delete process.env[TABLE_VARIABLE]
  if (text === undefined) return undefined
  const table = parse(text)
  if (Object.hasOwn(table, INPUT)) awaitRunner()
  const ends: End[] = []
  const adopted = (name: string, row: Row): End => {
    const end = adopt(name, row)
    ends.push(end)
    return end
  }
  try {
    return Object.fromEntries(
      Object.entries(table).map(([name, entry]): [string, End | Link] => [
        name,
        'end' in entry
          ? adopted(name, entry)
          : {
              sender: adopted(`${name}.sender`, entry.sender) as Sender,
              receiver: adopted(`${name}.receiver`, entry.receiver) as Receiver,
            },
      ])
    )
  } catch (error) {
    // They are out of reach here, and their peers must see the end.
    for (const end of ends) end.close()
    throw error
  }
}

function parse(text: string): Table {
  let table: unknown
  try {
    table = JSON.parse(text)
  } catch (cause) {
    throw new WormholeError('ERR_WORMHOLE_NO_CHANNEL', `the environment variable ${TABLE_VARIABLE} is not JSON`, {
      cause,
    })
  }
  if (typeof table === 'object' && table !== null && Object.values(table).every(isEntry)) return table as Table
  throw new WormholeError(
    'ERR_WORMHOLE_NO_CHANNEL',
    `the environment variable ${TABLE_VARIABLE} is not a table of channels (docs/wire.md)`
  )
}

function isEntry(entry: Partial<Row & LinkRows> | null): boolean {
  if (isRow(entry)) return true
  const { sender, receiver } = entry ?? {}
  return isRow(sender) && isRow(receiver) && sender?.end === 'sender' && receiver?.end === 'receiver'
}

function isRow(row: Partial<Row> | null | undefined): boolean {
  return (
    typeof row === 'object' &&
    row !== null &&
    Number.isInteger(row.fd) &&
    Number.isInteger(row.inode) &&
    (row.end === 'sender' || row.end === 'receiver')
  )
}

function adopt(name: string, row: Row): End {
  const { fd, end, inode, coalesce, maxMessageBytes } = row
  if (inodeOf(fd) !== inode) {
    throw new WormholeError(
      'ERR_WORMHOLE_NO_CHANNEL',
      `descriptor ${fd} is not the channel "${name}": ${TABLE_VARIABLE} was meant for another process`
    )
  }
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
