import { AbortController } from '../core/globals.js'
import type { RunOptions } from './job.js'

/** Runs a job for each input, at most `max` at the same time, and yields the outputs in the order of the inputs. */
export async function* mapped<Input, Output>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  max: number,
  options: RunOptions,
  run: (input: Input, options: RunOptions) => Promise<Output>
): AsyncGenerator<Output, undefined> {
  const leaving = new AbortController()
  const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal])
  const under: Promise<Output>[] = []
  const begin = (input: Input) => {
    const job = run(input, { ...options, signal })
    // Its error is thrown in its turn.
    job.catch(() => undefined)
    under.push(job)
  }
  try {
    for await (const input of inputs) {
      begin(input)
      if (under.length >= max) yield await (under.shift() as Promise<Output>)
    }
    while (under.length > 0) yield await (under.shift() as Promise<Output>)
    return undefined
  } finally {
    leaving.abort()
  }
}
