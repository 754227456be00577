import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program that runs beside a test, and what it has printed so far. */
export class Running {
  readonly process: ChildProcess
  /** Resolves to its exit code, or the signal that ended it, once its output has been read. */
  readonly ended: Promise<number | string>
  output = ''
  #over = false
  #waiting: (() => void)[] = []

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this.#changed()
      })
    }
    this.ended = once(this.process, 'close').then(([code, signal]) => {
      this.#over = true
      this.#changed()
      return code ?? signal
    })
  }

  /** Resolves once the program has printed this text; rejects if it ends first. */
  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.#over) throw new Error(`${this.process.spawnfile} has ended without saying '${text}': ${this.output}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal)
    return await this.ended
  }
}

/** The compiled file of an example's program. */
export function exampleFile(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url))
}

/** In a `describe`: a fresh folder for each test, and programs that are ended after it. */
export function usesPrograms() {
  let folder = ''
  const programs: Running[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wormhole-'))
  })
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (command: string, args: readonly string[], options?: SpawnOptions): Running => {
    const program = new Running(command, args, options)
    programs.push(program)
    return program
  }
  return {
    run,
    /** Runs an example in Node. */
    example: (name: string, args: readonly string[] = [], options?: SpawnOptions) =>
      run(process.execPath, [exampleFile(name), ...args], options),
    path: (name: string) => join(folder, name),
  }
}
