import { WormholeError } from '../core/errors.js'
import type { Order } from './run-protocol.js'

/**
 * Keeps `forkAndRun` from starting children without end: `--import`, `--require`, NODE_OPTIONS or `execPath` can
 * make a child run the program that called `forkAndRun`, before the runner or beside it.
 */

/** Whether this process was started to run a function and its runner has not begun. */
let awaited = false
/** The order that the runner has begun. */
let order: Order | undefined
/** Whether the top level of the order's module is running. */
let importing = false

export function awaitRunner(): void {
  awaited = true
}

export function begin(given: Order): void {
  awaited = false
  order = given
  importing = true
}

export function imported(): void {
  importing = false
}

/** Whether this process was started by `forkAndRun`. */
export function isRun(): boolean {
  return awaited || order !== undefined
}

/** Throws if a call of `forkAndRun` in this process is the call that started it. */
export function assertOther(next: Order): void {
  if (awaited)
    throw repeated('its options for Node (--import, --require) or its executable hold the program that calls')
  if (order === undefined || next.module !== order.module || next.name !== order.name) return
  if (importing) throw repeated(`the top level of ${next.module} calls`)
  // A function may run itself: then the first call came from another place, or from a run.
  if (order.nested || next.site !== order.site) return
  if (JSON.stringify(next.input) === JSON.stringify(order.input))
    throw repeated('its options for Node hold the program that calls')
}

function repeated(what: string): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_UNSUPPORTED',
    `this process was started by forkAndRun(), and ${what} forkAndRun() again, which would start processes without end; ` +
      'call it only where the program begins'
  )
}
