import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Starts the compiled main program of an example, with pipes. */
export function startProgram(name: string, args: readonly string[] = [], stdio: StdioOptions = 'pipe'): ChildProcess {
  const main = fileURLToPath(new URL(`../../examples/${name}/main.js`, import.meta.url))
  return spawn(process.execPath, [main, ...args], { stdio })
}

/**
 * Runs an example with a text as its standard input. Resolves once it has exited, and every process that it started,
 * as they share its standard error.
 */
export async function runProgram(name: string, args: readonly string[] = [], input = ''): Promise<Ended> {
  const child = startProgram(name, args)
  // It may exit without reading all of it.
  child.stdin!.on('error', () => undefined).end(input)
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout!),
    text(child.stderr!),
  ])
  return { code, signal, stdout, stderr }
}

/**
 * Starts an example with `--verbose`, and waits until it reports that it has started this many processes.
 * `stderr()` returns what it has written since; `closed` resolves to code and signal once they have all exited.
 */
export async function startVerbose(name: string, processes: number, args: readonly string[] = []) {
  const child = startProgram(name, [...args, '--verbose'])
  const closed = once(child, 'close')
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  let pids: number[] = []
  while (pids.length < processes) {
    await once(child.stderr!, 'data')
    pids = [...stderr.matchAll(/is process (\d+)\n/g)].map(([, pid]) => Number(pid))
  }
  return { child, closed, pids, stderr: () => stderr }
}
