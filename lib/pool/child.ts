import type { ChildProcess } from 'node:child_process'
import { ChildError } from '../core/carried-error.js'
import { within } from '../core/clock.js'
import { WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { poolWorkerFile } from '../core/package-files.js'
import { STDERR_GRACE_MS, Tail } from '../process/child-output.js'
import { failedStart, spawn } from '../process/spawn.js'
import type { Settings } from './options.js'
import { type Received, WorkerChannels } from './worker-channels.js'

/** Milliseconds that a process has to exit after its channels end, and that a dead one's answers are read for. */
export const END_GRACE_MS = 1000

/** The child of one process of a pool: its start, its messages, and its end. */
export class WorkerChild {
  /** Undefined if they could not be opened. */
  readonly channels: WorkerChannels | undefined
  /** Resolves to the error that says how it ended, once it is dead and its output has been read. */
  readonly ended: Promise<unknown>
  /** Resolves when its channels end: it should end too. */
  readonly silent: Promise<void>
  /** Whether it has exited; its output may still be read. */
  exited = false
  readonly #child: ChildProcess | undefined
  readonly #stderr: Tail | undefined
  /** The unreadable message for which it was killed. */
  #fault: WormholeError | undefined

  constructor({ concurrency, execArgv, module, args, env, cwd }: Settings, received: Received) {
    try {
      this.channels = new WorkerChannels(concurrency)
      this.#child = spawn(process.execPath, [...execArgv, poolWorkerFile, module, ...args], {
        stdio: ['ignore', 'inherit', 'pipe'],
        env,
        ...(cwd === undefined ? {} : { cwd }),
        channels: this.channels.theirs,
      })
    } catch (error) {
      this.silent = new Promise<void>(() => undefined)
      this.ended = Promise.resolve(startError(error))
      return
    }
    this.#stderr = new Tail(this.#child.stderr, process.stderr)
    ;(this.#child.stderr as { unref?: () => void } | null)?.unref?.()
    this.silent = this.channels.read(received, (error) => {
      this.#fault = error
      this.kill()
    })
    this.ended = this.#end(this.#child)
  }

  /** The last characters that it wrote to its standard error. */
  get stderr(): string {
    return this.#stderr?.text ?? ''
  }

  #end(child: ChildProcess): Promise<unknown> {
    return new Promise((resolve) => {
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(startError(error))
      })
      const closed = new Promise<void>((end) => child.once('close', end))
      child.once('exit', (exitCode, signal) => {
        this.exited = true
        void Promise.all([within(STDERR_GRACE_MS, closed), within(END_GRACE_MS, this.silent)]).then(() => {
          child.stderr?.destroy()
          resolve(this.#error(exitCode, signal))
        })
      })
    })
  }

  #error(exitCode: number | null, signal: NodeJS.Signals | null): WormholeError {
    const how = signal === null ? `exited with code ${exitCode}` : `was killed by ${signal}`
    const why = this.#fault === undefined ? '' : `, as it had sent what is no answer: ${this.#fault.message}`
    const ended = { stderr: this.stderr, exitCode, signal }
    const error = new ChildError('ERR_WORMHOLE_CHILD_EXITED', `a process of the pool ${how}${why}`, ended)
    if (this.#fault !== undefined) error.cause = this.#fault
    return error
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Keeps our process alive for it. */
  ref(): void {
    this.#child?.ref()
    this.channels?.ref()
  }

  unref(): void {
    this.#child?.unref()
    this.channels?.unref()
  }
}

function startError(error: unknown): WormholeError {
  return error instanceof WormholeError ? error : failedStart('of the pool', error as NodeJS.ErrnoException)
}
