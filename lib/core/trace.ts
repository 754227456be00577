import { writeQuietly } from './quiet-write.js'

const { debuglog, format } = process.getBuiltinModule('node:util')

/** Whether NODE_DEBUG names `wormhole`: asked once, so that a trace costs nothing where it does not. */
export const tracing = debuglog('wormhole').enabled

/** One line on standard error: which end, by its descriptor, and what became of it. As `debuglog` has it. */
export function trace(end: string, fd: number, what: string): void {
  writeQuietly(process.stderr, format('WORMHOLE %d: %s %d: %s\n', process.pid, end, fd, what))
}
