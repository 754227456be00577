import type { Receiver, Sender } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { finish, type Job, type Result } from './job.js'

const { jobs, results } = inherited<{ jobs: Receiver<Job>; results: Sender<Result> }>()

// A worker has one job in hand at most: the next is taken once the kernel has the result of the last, and a
// result that the kernel has survives its worker.
for await (const job of jobs) await results.send(finish(job))
