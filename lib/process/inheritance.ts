import { adopt, type Ends, endsOf, isTable, type Row, type Table, tableOf } from '../channel/named-ends.js'
import { WormholeError } from '../core/errors.js'
import { inodeOf } from '../os/syscalls.js'
import { awaitRunner } from './run-guard.js'
import { INPUT } from './run-protocol.js'

/** How channels reach a child: a table in its environment, and descriptors (docs/wire.md). */

/** The environment variable that carries the table. */
export const TABLE_VARIABLE = 'WORMHOLE_CHANNELS'

/** One end in a child's table. */
interface ChildRow extends Row {
  /** The socket's inode: in a grandchild it shows that the table is stale and other files have these numbers. */
  inode: number
}

/** Makes the table's text. The child has the ends, in the order of `single`, as `firstFd`, `firstFd + 1`, ... */
export function describe(channels: Ends, firstFd: number): string {
  return JSON.stringify(tableOf(channels, firstFd, (end) => ({ inode: inodeOf(end.fd) as number })))
}

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
  return endsOf(table, take)
}

function parse(text: string): Table<ChildRow> {
  let table: unknown
  try {
    table = JSON.parse(text)
  } catch (cause) {
    throw new WormholeError('ERR_WORMHOLE_NO_CHANNEL', `the environment variable ${TABLE_VARIABLE} is not JSON`, {
      cause,
    })
  }
  if (isTable<ChildRow>(table, ({ inode }) => Number.isInteger(inode))) return table
  throw new WormholeError(
    'ERR_WORMHOLE_NO_CHANNEL',
    `the environment variable ${TABLE_VARIABLE} is not a table of channels (docs/wire.md)`
  )
}

function take(name: string, row: ChildRow) {
  if (inodeOf(row.fd) !== row.inode) {
    throw new WormholeError(
      'ERR_WORMHOLE_NO_CHANNEL',
      `descriptor ${row.fd} is not the channel "${name}": ${TABLE_VARIABLE} was meant for another process`
    )
  }
  return adopt(name, row.fd, row)
}
