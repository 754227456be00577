import { expect } from 'chai'
import { type Child, fixture, start } from './child.js'

/** Starts a program of `test/fixtures` that measures itself, and may call the garbage collector. */
export function startMeasuring(name: string, args: readonly string[] = [], fds: readonly number[] = []): Child {
  return start(process.execPath, ['--expose-gc', fixture(name), ...args], fds)
}

/** Waits until it has ended without an error; resolves to the JSON that it printed. */
export async function measured<Figures>(child: Child): Promise<Figures> {
  const { code, signal, stdout, stderr } = await child.ended
  expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
  return JSON.parse(stdout) as Figures
}

/** The number of collections in a row that must free nothing more. */
const ROUNDS_AT_REST = 3

/** Measures the bytes of the heap in use, once collecting garbage frees no more. */
export async function heapAtRest(): Promise<number> {
  let min = Number.POSITIVE_INFINITY
  let rounds = 0
  while (rounds < ROUNDS_AT_REST) {
    await collectGarbage()
    const { heapUsed } = process.memoryUsage()
    rounds = heapUsed < min ? 0 : rounds + 1
    min = Math.min(min, heapUsed)
  }
  return min
}

/** Collects all garbage, also what is freed in the background or after a finalizer. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
