import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { channel } from 'wormhole-ipc'
import { openDescriptors } from '../helpers/proc.js'

/** What the first child, the first thread and the first channel open, and the process keeps, is not left over. */
export async function warmUp(): Promise<void> {
  for (const end of channel()) end.close()
  await once(spawn('true', { stdio: 'ignore' }), 'exit')
  await once(new Worker('', { eval: true }), 'exit')
}

/** Descriptors and processes of this process that should be gone. */
export function leftovers(before: number): string[] {
  const found: string[] = []
  const descriptors = openDescriptors() - before
  if (descriptors > 0) found.push(`${descriptors} descriptors are left over in the supervisor`)
  for (const pid of childrenOf(process.pid)) found.push(`process ${pid} is left over`)
  return found
}

function childrenOf(parent: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // proc(5): the parent comes second behind the command's closing bracket.
        const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
        return Number(ppid) === parent
      } catch {
        return false
      }
    })
}
