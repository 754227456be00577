/** Most milliseconds that ready channels may hold the event loop before timers and others get a turn. */
const TURN_MS = 5

let began = 0

/** The event loop has come round. */
export function beginTurn(): void {
  began = performance.now()
}

/** Whether work that need not wait should wait all the same, for the rest of the program's sake. */
export function turnIsOver(): boolean {
  return performance.now() - began > TURN_MS
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
