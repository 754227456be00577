import { readdirSync, readFileSync } from 'node:fs'

/**
 * @returns {number} the seconds that this process and all that it has started, and theirs, have been on a processor, with
 * every thread that runs now; not a number where the kernel does not tell
 */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  try {
    return (user + system) / 1e6 + sum(childrenOf('self'), nanosecondsOf) / 1e9
  } catch {
    return Number.NaN
  }
}

/** In nanoseconds, where /proc/PID/stat has hundredths of a second. */
function nanosecondsOf(pid) {
  const own = sum(threadsOf(pid), (thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]))
  return own + sum(childrenOf(pid), nanosecondsOf)
}

function childrenOf(pid) {
  return threadsOf(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean))
}

const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`)
const read = (file) => readFileSync(file, 'latin1')

/** @param {string[]} all @param {(one: string) => number} figureOf */
function sum(all, figureOf) {
  return all.reduce((total, one) => total + figureOf(one), 0)
}
