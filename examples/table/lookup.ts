// One of the processes that share the table.
import { type CallContext, type Link, serve } from 'wormhole-ipc/calls'
import { inherited } from 'wormhole-ipc/process'
import { Table } from './records.js'

let table: Table

const handlers = {
  /** Maps the table that comes with the call. */
  open(_input: null, { fds: [file] }: CallContext): { pairs: number; milliseconds: number } {
    const start = performance.now()
    table = new Table(file!)
    return { pairs: table.size, milliseconds: performance.now() - start }
  },
  find: (key: number): number | null => table.find(key),
  sum: (): number => table.sum(),
}
export type Handlers = typeof handlers

await serve(inherited<{ api: Link }>().api, handlers)
