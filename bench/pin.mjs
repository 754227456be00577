import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** Pins this process, or in a worker this thread, to one core. */
export function pin(core) {
  if (isMainThread) taskset(['-a', '-c', '-p', String(core), String(process.pid)])
  else taskset(['-c', '-p', String(core), readlinkSync('/proc/thread-self').split('/').at(-1)])
}

function taskset(args) {
  execFileSync('taskset', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
