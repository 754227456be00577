// The processes at the other side of a driver.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const running = new Set()

/**
 * Keeps `child` until {@link stopChildren}. Its standard input must be a pipe: the child ends when that does, so that none
 * outlives this process, however it ends.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
export function keep(child) {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Starts a child with nothing but its standard streams; `env` tells it where to connect. */
export function startProcess(argv, env) {
  return keep(spawn(process.execPath, argv, { stdio: ['pipe', 'inherit', 'inherit'], env: { ...process.env, ...env } }))
}

export async function stopChildren() {
  await Promise.all(
    [...running].map(async (child) => {
      child.stdin.end()
      await once(child, 'exit')
    })
  )
}
