import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { fixture } from './child.js'

/** A process that gives each client a word (`fixtures/listen-server`). */
export interface ListenServer {
  readonly pid: number
  /** Asks it how many descriptors it has open, and how many clients it has served. */
  state(): Promise<{ open: number; served: number }>
  /** Ends it, and expects that it does so without an error. */
  stop(): Promise<void>
}

/** Starts such a process, which may have `limit` descriptors open, at an address. */
export async function startListenServer(path: string, limit = 20_000): Promise<ListenServer> {
  const child = spawn('prlimit', [`--nofile=${limit}`, process.execPath, fixture('listen-server'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const closed = once(child, 'close')
  expect((await lines.next()).value).to.equal('listens')
  return {
    pid: child.pid as number,
    state: async () => {
      child.stdin.write('\n')
      return JSON.parse((await lines.next()).value as string)
    },
    stop: async () => {
      child.stdin.end()
      expect((await closed)[0]).to.equal(0)
    },
  }
}
