import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ScenarioName } from './scenarios/index.js'
import type { Answer, Step } from './subject.js'

/** What the slowest step takes on a busy machine, many times over, in milliseconds: then it hangs. */
const HANG_MS = 90_000

/** The process whose system calls fail, as seen from the one that lets them fail. */
export class SubjectProcess {
  readonly #process: ChildProcess
  readonly #lines: Interface
  #stderr = ''

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#lines = createInterface(process.stdout!)
    process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  /** Starts it; it has run its scenario without faults when this resolves. */
  static async start(scenario: ScenarioName): Promise<SubjectProcess> {
    const program = fileURLToPath(new URL('subject.js', import.meta.url))
    const subject = new SubjectProcess(spawn(process.execPath, ['--enable-source-maps', program, scenario]))
    await subject.#answer('start', () => '')
    return subject
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** @param trace what is known of the step's system calls, should it hang */
  step(step: Step, trace: () => string = () => ''): Promise<Answer> {
    this.#process.stdin!.write(`${step}\n`)
    return this.#answer(step, trace)
  }

  async #answer(step: string, trace: () => string): Promise<Answer> {
    const waiting = new AbortController()
    const { signal } = waiting
    const watchdog = setTimeout(() => waiting.abort(), HANG_MS)
    const died = once(this.#process, 'close', { signal }).then(([code, by]) => {
      throw new Error(`${step}: the process ended (${code ?? by})\n${this.#stderr}${trace()}`)
    })
    try {
      const [line] = await Promise.race([once(this.#lines, 'line', { signal }), died])
      return JSON.parse(line) as Answer
    } catch (error) {
      if (signal.aborted) throw new Error(`${step} hangs\n${this.#stderr}${trace()}`)
      throw error
    } finally {
      clearTimeout(watchdog)
      died.catch(() => undefined)
      waiting.abort()
    }
  }

  /** Lets it come to its end. */
  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    const closed = once(this.#process, 'close')
    this.#process.stdin!.end()
    await closed
  }

  /** For one that may hang, or is not what it was. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.end()
  }
}
