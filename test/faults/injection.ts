import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A fault, and which of a thread's calls it hits. */
export interface Fault {
  syscall: string
  /** The error's name. */
  errno: string
  /** strace's `when=`: `3` the third call, `2..60+3` every third one from the second to the sixtieth. */
  when: string
}

const CANNOT_ATTACH = 'strace cannot attach; this takes root, or kernel.yama.ptrace_scope=0'

/** A fault in the system calls of a running thread, by strace(1), for as long as this is attached. */
export class Injection {
  readonly #strace: ChildProcess
  #text = ''

  private constructor(strace: ChildProcess) {
    this.#strace = strace
    strace.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
    })
  }

  /** Resolves once it is attached. */
  static async into(pid: number, { syscall, errno, when }: Fault): Promise<Injection> {
    const inject = `inject=${syscall}:error=${errno}:when=${when}`
    const args = ['-p', String(pid), '-s', '0', '-e', `trace=${syscall}`, '-e', inject]
    const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const injection = new Injection(strace)
    const closed = once(strace, 'close')
    while (!injection.#text.includes(' attached\n')) {
      await Promise.race([once(strace.stderr!, 'data'), closed])
      if (strace.exitCode !== null) throw new Error(`${CANNOT_ATTACH}: ${injection.#text}`)
    }
    return injection
  }

  /** Ends it; the calls that failed, as strace writes them. */
  async end(): Promise<string[]> {
    const closed = once(this.#strace, 'close')
    this.#strace.kill('SIGINT')
    await closed
    return this.#text.split('\n').filter((line) => line.endsWith('(INJECTED)'))
  }

  /** The calls until now. */
  get text(): string {
    return this.#text
  }
}
