import type { EndpointStats } from 'wormhole-ipc'

/** What a worker is asked to do. */
export interface Job {
  /** Of the request that it is for. */
  id: string
  number: number
}

/** What a worker tells: once that it is ready, then of each job what became of it. */
export type Report = News & { ends: WorkerEnds }

export type News =
  | { kind: 'ready' }
  | { kind: 'done'; id: string; factors: number[] }
  | { kind: 'failed'; id: string; reason: string }

/** What the worker's ends of its two channels have done so far. */
export interface WorkerEnds {
  jobs: EndpointStats
  reports: EndpointStats
}
