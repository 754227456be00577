/** Most milliseconds that ready channels may hold the event loop before timers and others get a turn. */
const TURN_MS = 5
/** Packets in one turn before anybody looks at the clock. */
const FREE_PACKETS = 16

let packets = 0
let began = 0

/** The event loop has come round. */
export function beginTurn(): void {
  packets = 0
}

/**
 * Whether one more packet now would hold up the rest of the program: then the caller lets the event loop come
 * round first. Only a system call may be put off by this, never a message that is here already.
 */
export function turnIsOver(): boolean {
  packets++
  if (packets === 1) began = performance.now()
  return packets > FREE_PACKETS && performance.now() - began > TURN_MS
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
