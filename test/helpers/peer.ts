import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Child, start } from './child.js'

/** Starts a Python program from `test/peers`; `fds` become its descriptors 3, 4, ... */
export function startPeer(name: string, args: readonly string[], fds: readonly number[]): Child {
  const program = fileURLToPath(new URL(`../../../test/peers/${name}.py`, import.meta.url))
  return start('python3', ['-B', program, ...args], fds)
}

/** A message, and the files that came with it, as `peers/receives.py` prints them. */
export interface Report {
  message: unknown
  files: string[]
}

export function reportOf(message: unknown, ...files: string[]): Report {
  return { message, files }
}

/** Waits until a peer has ended without an error; resolves to all that it printed. */
export async function reports(peer: Child): Promise<Report[]> {
  const { code, signal, stdout, stderr } = await peer.ended
  expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Report)
}
