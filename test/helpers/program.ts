import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
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
 * Runs an example with a text as its standard input. Resolves when it is over, and so is every process that it
 * started: they have its standard error.
 */
export async function runProgram(name: string, args: readonly string[] = [], input = ''): Promise<Ended> {
  const child = startProgram(name, args)
  // It may end without reading all.
  child.stdin!.on('error', () => undefined).end(input)
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout!),
    text(child.stderr!),
  ])
  return { code, signal, stdout, stderr }
}

/** The processes that a process has started and that still live. */
export function childrenOf({ pid }: ChildProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number)
}
