const log = process.getBuiltinModule('node:util').debuglog('wormhole')

/** Whether NODE_DEBUG names `wormhole`: asked once, so that a trace costs nothing where it does not. */
export const tracing = log.enabled

/** One line on standard error: which end, by its descriptor, and what became of it. */
export function trace(end: string, fd: number, what: string): void {
  log('%s %d: %s', end, fd, what)
}
