import { recurring } from '../core/clock.js'
import { trace, tracing } from '../core/telemetry.js'
import { listOpenEnds, type OpenEnd, openEnds } from './open-ends.js'

/** With NODE_DEBUG=wormhole, tells which ends are open and where they were made: after a long wait, and at the exit. */

const LOOK_MS = 1000
const LONG_WAIT_MS = 10_000

/** The ends whose current wait was told, with the time of its beginning. */
const told = new WeakMap<object, number>()

if (tracing) {
  listOpenEnds()
  recurring(LOOK_MS, tellLongWaits)
  process.on('exit', tellOpen)
}

function tellLongWaits(): true {
  const ends = openEnds()
  for (const end of ends) {
    const { waitingSince } = end.end.counters
    if (end.waiting < LONG_WAIT_MS || told.get(end.end) === waitingSince) continue
    told.set(end.end, waitingSince)
    const others = ends.filter(({ inode, peer }) => end.peer === inode || (peer !== 0 && peer === end.inode))
    trace(end.name, end.fd, `has waited ${(end.waiting / 1000).toFixed(0)} s; ${whoHas(others)}`)
  }
  return true
}

function whoHas(others: readonly OpenEnd[]): string {
  if (others.length === 0) return "the channel's other end is not open in this thread"
  return others.map(({ name, fd, madeAt }) => `${name} ${fd} is its other end, made at ${stackText(madeAt)}`).join('; ')
}

function tellOpen(): void {
  for (const { name, fd, madeAt } of openEnds()) trace(name, fd, `still open, made at ${stackText(madeAt)}`)
}

function stackText(frames: readonly string[]): string {
  return frames.length === 0 ? 'an unknown place' : frames.join(' < ')
}
