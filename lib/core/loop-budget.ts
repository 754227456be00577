import type { PerformanceNodeTiming } from 'node:perf_hooks'
import { now } from './clock.js'
import { getBuiltinModule, Promise, setImmediate } from './globals.js'

/** Most milliseconds that ready channels may hold the event loop before timers and others get a turn. */
const BUDGET_MS = 5
/** Work after which somebody looks at the clock, in small messages: a look costs a tenth of reading one. */
const WORK_A_LOOK = 64
/** Bytes of a long message that count as one small one. */
const BYTES_OF_WORK = 4096

/** Loaded late, as that takes a start some milliseconds; not from a global, in whose place somebody may put another. */
let timing: PerformanceNodeTiming | undefined

/** Since the last look. */
let work = 0
/** Which turn of the event loop the last look was in, and when the first look in it was. */
let turn = -1
let began = 0
let over = false

/** Messages have been read, which somebody will be at work on before anybody asks again. */
export function spend(count: number): void {
  work += count
}

/**
 * Whether one more packet now would hold up the rest of the program: then the caller lets the event loop come
 * round first. Only a system call may be put off by this, never a message that is here already.
 *
 * @param bytes how long a message is, where it may be long
 */
export function overBudget(bytes = 0): boolean {
  work += 1 + Math.floor(bytes / BYTES_OF_WORK)
  if (work >= WORK_A_LOOK || over) look()
  return over
}

function look(): void {
  timing ??= getBuiltinModule('node:perf_hooks').performance.nodeTiming
  const { loopCount } = timing.uvMetricsInfo
  const time = now()
  if (loopCount !== turn) {
    turn = loopCount
    began = time
    over = false
  } else if (time - began > BUDGET_MS) {
    over = true
  }
  work = 0
}

/** The next turn of the event loop. */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
