import { readdirSync, readFileSync } from 'node:fs'
import { until } from './until.js'

/** How often in a row the processes must look the same: between two looks this process polls, too. */
const LOOKS = 3

/**
 * Resolves once all threads of these processes sleep at the same time. If they wait only for each other and for
 * this process, and no timer runs, nothing more happens by itself.
 */
export async function quiet(pids: readonly number[]): Promise<void> {
  let last = ''
  let same = 0
  await until(`processes ${pids.join(', ')} sleep`, () => {
    const now = pids.map(switchesOf).join()
    same = now === last && !now.includes('awake') ? same + 1 : 1
    last = now
    return same === LOOKS
  })
}

/** How often each thread has begun to sleep or was put to sleep: who has run in between shows another number. */
function switchesOf(pid: number): string {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
      if (!/^State:\s*S/m.test(status)) return 'awake'
      return [...status.matchAll(/ctxt_switches:\s*(\d+)/g)].map(([, count]) => count).join('+')
    })
    .join()
}
