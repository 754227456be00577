import { once } from 'node:events'
import { channel, type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'

/** Which stage of how many, and how many of them live in one process. */
export interface Place {
  index: number
  stages: number
  perProcess: number
}

export interface Found {
  prime: number
  pid: number
}

export type Ends = { numbers: Receiver<number>; primes: Sender<Found> }

/** Starts a stage where it belongs: every so many of them in a process of its own. Resolves once it has ended. */
export async function start(ends: Ends, place: Place): Promise<void> {
  if (place.index % place.perProcess !== 0) return stage(ends, place)
  // Both ends are moved: when the child dies, the stage before and the main program see it.
  const child = fork(new URL('process.js', import.meta.url), [JSON.stringify(place)], { channels: ends })
  const [code, signal] = await once(child, 'exit')
  if (code === 0) return
  console.error(`sieve: the process of stage ${place.index + 1} ended with ${signal ?? `exit code ${code}`}`)
  process.exitCode = 1
}

/**
 * The first number that comes is a prime. Of the others, those that it does not divide go to the next stage,
 * which this one makes. A stage ends when no more numbers come, or when the next one takes no more.
 */
export async function stage({ numbers, primes }: Ends, place: Place): Promise<void> {
  const { value: prime, done } = await numbers[Symbol.asyncIterator]().next()
  if (done === true) {
    // A stage before this one has died.
    primes.close()
    return
  }
  await primes.send({ prime, pid: process.pid })
  const index = place.index + 1
  if (index === place.stages) {
    primes.close()
    numbers.close()
    return
  }
  const [rest, following] = channel<number>()
  // The sender for primes goes on from stage to stage: main sees the end of them when the last one closes it.
  const next = start({ numbers: following, primes }, { ...place, index })
  const filter = async () => {
    for await (const batch of numbers.batches()) await rest.sendAll(batch.filter((n) => n % prime !== 0))
  }
  await untilNobodyTakes(filter())
  numbers.close()
  rest.close()
  await next
}

/** Waits for what sends. That nobody receives any more is an end like another. */
export async function untilNobodyTakes(sending: Promise<unknown>): Promise<void> {
  try {
    await sending
  } catch (error) {
    if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
  }
}
