import { WormholeError } from '../core/errors.js'
import type { Order } from './run-protocol.js'

/**
 * Keeps `forkAndRun` from starting children that start children: what a child of it begins with, before its runner
 * or beside it, can be the program that called it, which `--import`, `--require`, NODE_OPTIONS or an
 * executable of its own carry along.
 */

/** This process is to run a function, and its runner has not begun. */
let awaited = false
/** What it runs. */
let order: Order | undefined
/** The module's own top level runs. */
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

/** Throws where a call of `forkAndRun` in this process is the very call that started it. */
export function assertOther(next: Order): void {
  if (awaited)
    throw repeated('its options for Node (--import, --require) or its executable hold the program that calls')
  if (order === undefined || next.module !== order.module || next.name !== order.name) return
  if (importing) throw repeated(`the top level of ${next.module} calls`)
  // A function that runs itself has been called at another place by whoever began.
  if (order.nested || next.site !== order.site) return
  if (JSON.stringify(next.input) === JSON.stringify(order.input))
    throw repeated('its options for Node hold the program that calls')
}

function repeated(what: string): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_UNSUPPORTED',
    `this process was started by forkAndRun(), and ${what} forkAndRun() again, which would start processes without end; ` +
      'call it where the program begins only'
  )
}
