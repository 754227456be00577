/** Most milliseconds that ready channels may hold the event loop before timers and others get a turn. */
const TURN_MS = 5
/** Packets in one turn before anybody looks at the clock. */
const FREE_PACKETS = 16
/** Packets from one look at the clock to the next, as a power of two: a look costs a tenth of a small packet. */
const PACKETS_A_LOOK = 4

let packets = 0
let began = 0
let over = false

/** The event loop has come round. */
export function beginTurn(): void {
  packets = 0
  over = false
}

/**
 * Whether one more packet now would hold up the rest of the program: then the caller lets the event loop come
 * round first. Only a system call may be put off by this, never a message that is here already.
 */
export function turnIsOver(): boolean {
  packets++
  if (packets === 1) began = performance.now()
  else if (packets > FREE_PACKETS && !over && (packets & (PACKETS_A_LOOK - 1)) === 0)
    over = performance.now() - began > TURN_MS
  return over
}

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      beginTurn()
      resolve()
    })
  })
}
