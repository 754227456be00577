import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Returns the compiled file of a program in `test/fixtures`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
}

/** A child process and how it ended. */
export interface Child {
  process: ChildProcess
  /** Resolves once it has exited and its output has been read. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>
}

/** Starts a program; `fds` become its descriptors 3, 4, ... and stay open here. */
export function start(command: string, args: readonly string[], fds: readonly number[] = []): Child {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...fds]
  const child = spawn(command, args, { stdio })
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }))
  return { process: child, ended }
}

/** Starts a Node program from `test/fixtures`. */
export function startNode(name: string, args: readonly string[] = [], fds: readonly number[] = []): Child {
  return start(process.execPath, [fixture(name), ...args], fds)
}
