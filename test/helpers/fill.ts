import type { Sender } from 'wormhole-ipc'

/** Sends without waiting until the channel is full; returns how many messages it took. */
export function fill<T>(sender: Sender<T>, message: (index: number) => T): number {
  let count = 0
  while (sender.trySend(message(count))) count++
  return count
}

/** Waits for the next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const MANY = 20

/** Waits for several turns: what can proceed without the test has proceeded. */
export async function turns(): Promise<void> {
  for (let count = 0; count < MANY; count++) await turn()
}

/** Blocks the event loop for some milliseconds. */
export function spin(milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

/** The numbers from 0 up to `end`. */
export function range(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index)
}

/** Makes a string that takes exactly `bytes` bytes (at least 2) in JSON, of as many `unit` as fit. */
export function textOf(bytes: number, unit = 'a'): string {
  const room = bytes - 2
  const size = Buffer.byteLength(unit)
  return unit.repeat(Math.floor(room / size)) + 'a'.repeat(room % size)
}
