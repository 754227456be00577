import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import autocannon, { type Result } from 'autocannon'

export interface RunOptions {
  requests: number
  connections: number
  /** A worker is killed at every so manieth answer; 0: never. */
  kill: number
}

/** What is asked: products of two of these primes, of which it takes half a million divisions to find the smaller. */
const PRIMES = [999_953, 999_959, 999_961, 999_979, 999_983, 1_000_003, 1_000_033, 1_000_037, 1_000_039, 1_000_081]
const PAIRS = PRIMES.flatMap((p, index) => PRIMES.slice(index).map((q) => [p, q] as const))
const ANSWERS = new Set(PAIRS.map(([p, q]) => JSON.stringify({ number: p * q, factors: [p, q] })))

/** Starts the service as a process of its own; resolves once it listens. */
export async function startService(workers: number): Promise<{ url: string; service: ChildProcess }> {
  const main = fileURLToPath(new URL('main.js', import.meta.url))
  const args = [main, '--port', '0', '--workers', `${workers}`]
  const service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface(service.stdout)) {
    const [, url] = /listening at (http:[^"\s]+)/.exec(line) ?? []
    if (url === undefined) continue
    // The rest of its log is read too, and dropped: a full pipe would hold it up.
    service.stdout.resume()
    return { url, service }
  }
  throw new Error('the service did not start')
}

/** Sends requests over so many connections, each one after the other, and kills workers meanwhile; resolves to a row of the table. */
export async function run(url: string, { requests, connections, kill }: RunOptions): Promise<Record<string, number>> {
  const retried = async () => {
    const metrics = await (await fetch(new URL('metrics', url))).text()
    return Number(/^pool_jobs_retried_total (\d+)$/m.exec(metrics)?.[1])
  }
  const killWorker = async (turn: number) => {
    const { workers } = (await (await fetch(new URL('health', url))).json()) as { workers: number[] }
    if (workers.length > 0) process.kill(workers[turn % workers.length]!, 'SIGKILL')
  }
  const before = await retried()
  const kills: Promise<void>[] = []
  let answers = 0
  const paths = PAIRS.map(([p, q]) => ({ path: `/factors/${p * q}` }))
  const verifyBody = (body: unknown) => ANSWERS.has(String(body))
  const { latency, duration, ...result } = await new Promise<Result>((resolve, reject) => {
    const options = { url, connections, amount: requests, requests: paths, verifyBody }
    const load = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)))
    load.on('response', () => {
      if (kill > 0 && ++answers % kill === 0) kills.push(killWorker(kills.length))
    })
  })
  await Promise.all(kills)
  return {
    requests,
    // Not what it counts as failed: a request whose connection the server closes is nowhere in its counts.
    failures: requests - (result['2xx'] - result.mismatches),
    kills: kills.length,
    retried: (await retried()) - before,
    'requests/s': result.requests.total / duration,
    'p50 ms': latency.p50,
    'p90 ms': latency.p90,
    'p99 ms': latency.p99,
    'max ms': latency.max,
  }
}
