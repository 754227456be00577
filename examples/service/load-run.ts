import autocannon, { type Result } from 'autocannon'
import type { LoadService } from './load-service.js'

export interface Run {
  requests: number
  /** Requests without the right answer. */
  failures: number
  /** Workers that were killed meanwhile. */
  kills: number
  /** Requests that the service had to try again. */
  retried: number
  perSecond: number
  /** In milliseconds. */
  latency: { p50: number; p90: number; p99: number; max: number }
}

export interface RunOptions {
  requests: number
  connections: number
  /** A worker is killed at every so manieth answer; 0: never. */
  kill: number
}

/** What is asked: products of two of these primes, of which it takes half a million divisions to find the smaller. */
const PRIMES = [999_953, 999_959, 999_961, 999_979, 999_983, 1_000_003, 1_000_033, 1_000_037, 1_000_039, 1_000_081]
const ANSWERS = new Map(
  PRIMES.flatMap((p, index) => PRIMES.slice(index).map((q) => [p * q, JSON.stringify([p, q])] as const))
)

/** Sends requests over so many connections, each one after the other, and kills workers meanwhile. */
export async function run(service: LoadService, { requests, connections, kill }: RunOptions): Promise<Run> {
  const retriedBefore = await service.retried()
  const killings: Promise<void>[] = []
  let answers = 0
  const result = await new Promise<Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: service.url,
        connections,
        amount: requests,
        requests: [...ANSWERS.keys()].map((number) => ({ path: `/factors/${number}` })),
        verifyBody: (body) => isRight(String(body)),
      },
      (error, result) => (error ? reject(error) : resolve(result))
    )
    instance.on('response', () => {
      answers++
      if (kill > 0 && answers % kill === 0) killings.push(service.killWorker(killings.length))
    })
  })
  await Promise.all(killings)
  return {
    requests,
    // Not what it counts as failed: a request whose connection the server closes is nowhere in its counts.
    failures: requests - (result['2xx'] - result.mismatches),
    kills: killings.length,
    retried: (await service.retried()) - retriedBefore,
    perSecond: result.requests.total / result.duration,
    latency: result.latency,
  }
}

function isRight(body: string): boolean {
  try {
    const { number, factors } = JSON.parse(body) as { number: number; factors: number[] }
    return ANSWERS.get(number) === JSON.stringify(factors)
  } catch {
    return false
  }
}
