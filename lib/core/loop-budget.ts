import { now } from './clock.js'
import { Promise, setImmediate } from './globals.js'

/** How many milliseconds ready channels may hold the event loop before timers and other events run. */
const BUDGET_MS = 5
/** How much work, in small messages, between two looks at the clock: a look costs a tenth of reading one. */
const WORK_A_LOOK = 64
/** Bytes of a long message that count as one small one. */
const BYTES_OF_WORK = 4096

/** Counts the event loop's iterations: the addon's call, as Node's `nodeTiming` takes a millisecond or two to load. */
let countTurns = (): number => 0

/** Has the event loop's iterations counted by `count`. */
export function countTurnsBy(count: () => number): void {
  countTurns = count
}

/** Work since the last look. */
let work = 0
/** The event loop's iteration of the last look, and the time of the first look in it. */
let turn = -1
let began = 0
let over = false

/** Counts messages that were read: user code will work on them before the next check. */
export function spend(count: number): void {
  work += count
}

/**
 * Tells whether one more packet now would hold up the rest of the program: then the caller yields to the loop first.
 * This may put off only a system call, never a message that is here already.
 *
 * @param bytes how long a message is, if it may be long
 */
export function overBudget(bytes = 0): boolean {
  work += bytes === 0 ? 1 : 1 + Math.floor(bytes / BYTES_OF_WORK)
  if (work >= WORK_A_LOOK || over) look()
  return over
}

function look(): void {
  const loopCount = countTurns()
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

/** Resolves in the next iteration of the event loop. */
export function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
