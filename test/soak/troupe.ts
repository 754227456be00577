import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Receiver, Sender } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'
import type { Random } from '../helpers/random.js'
import type { ThreadData } from './actor.js'
import { type Incarnation, logOf } from './manifest.js'
import { type Role, STOP } from './role.js'

const ACTOR = fileURLToPath(new URL('actor.js', import.meta.url))

// biome-ignore lint/suspicious/noExplicitAny: ends of channels of any message type
export type Given = Record<string, Sender<any> | Receiver<any>>

/** An actor that has been started. */
export interface Running {
  readonly about: Incarnation
  readonly mortal: boolean
  /** SIGKILL, or the end of the thread; false when it is too early for that or too late. */
  kill(): boolean
  /** SIGSTOP and SIGCONT; a thread has none. */
  signal: ((signal: 'SIGSTOP' | 'SIGCONT') => void) | null
  /** Resolves once it is gone. */
  readonly ended: Promise<void>
}

/** Starts actors and keeps account of all that have ever been. */
export class Troupe {
  readonly incarnations: Incarnation[] = []
  readonly running = new Set<Running>()
  /** What went wrong: an actor that ended otherwise than it was made to. */
  readonly failures: string[] = []

  /** @param stop the receiving end whose disconnection tells senders to stop */
  constructor(
    readonly folder: string,
    readonly random: Random,
    readonly stop: Receiver<never>
  ) {}

  start(about: Omit<Incarnation, 'id' | 'killed'>, lane: Role['lane'], ends: Given): Running {
    const incarnation: Incarnation = { ...about, id: this.incarnations.length, killed: false }
    this.incarnations.push(incarnation)
    const { id, does } = incarnation
    const role = {
      id,
      lane,
      does,
      log: logOf(this.folder, id),
      seed: this.random.below(2 ** 32),
      ride: join(this.folder, `${id}.ride`),
    }
    const given = { ...ends, [STOP]: this.stop.clone() }
    const running =
      lane.actors === 'thread'
        ? this.#startThread(incarnation, role, given)
        : this.#startProcess(incarnation, role, given)
    this.running.add(running)
    return running
  }

  #startProcess(about: Incarnation, role: Role, channels: Given): Running {
    const child = spawn(process.execPath, [ACTOR, JSON.stringify(role)], {
      channels,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(child, 'exit').then(([code, signal]) => {
      about.killed = signal === 'SIGKILL'
      this.#gone(running, about.killed || code === 0 ? null : (signal ?? `exit code ${code}`))
    })
    const running: Running = {
      about,
      mortal: role.lane.mortal,
      kill: () => child.kill('SIGKILL'),
      signal: (signal) => void child.kill(signal),
      ended,
    }
    return running
  }

  #startThread(about: Incarnation, role: Role, ends: Given): Running {
    const fds = Object.fromEntries(Object.entries(ends).map(([name, end]) => [name, end.detach()]))
    const worker = new Worker(ACTOR, { workerData: { role, fds } satisfies ThreadData })
    let here = false
    let failure: string | null = null
    worker.once('message', () => {
      here = true
    })
    worker.once('error', (error) => {
      failure = `${error.stack}`
    })
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        this.#gone(running, failure)
        resolve()
      })
    })
    const running: Running = {
      about,
      mortal: role.lane.mortal,
      kill: () => {
        // Before that nobody owns the descriptors: they would stay open.
        if (!here || about.killed) return false
        about.killed = true
        void worker.terminate()
        return true
      },
      signal: null,
      ended,
    }
    return running
  }

  #gone(running: Running, failure: string | null): void {
    this.running.delete(running)
    const { id, lane } = running.about
    if (failure !== null) this.failures.push(`actor ${id} of lane '${lane}' ended with ${failure}`)
  }
}
