import { readFileSync } from 'node:fs'

/** A kernel limit that applies to channels. */
export interface Limit {
  name: string
  /** Null if it is not known here, or there is no limit. */
  value: number | null
  unit: 'bytes' | 'descriptors'
  /** What a low value means, and what to do; null if it is not low. */
  advice: string | null
}

/** Linux's own value on 64-bit machines; the rates in the documents were measured with it. */
const STOCK_WMEM = 212_992
/** A channel within one process takes two descriptors, and a server needs others too. */
const FEW_DESCRIPTORS = 4096

/** Either lets a process exceed the limit of descriptors in flight (linux/capability.h; net/unix/scm.c). */
const CAP_SYS_ADMIN = 21n
const CAP_SYS_RESOURCE = 24n

export function limits(): Limit[] {
  const { soft, hard } = openFiles()
  return [
    wmem(
      'wmem_default',
      'channels hold less, so senders wait more often, and more messages are too long for one packet'
    ),
    wmem('wmem_max', 'messages that are too long for one packet go in small pieces'),
    files('RLIMIT_NOFILE soft', soft, 'raise the soft limit (`ulimit -Sn`, LimitNOFILE= of systemd)'),
    files(
      'RLIMIT_NOFILE hard',
      hard,
      'raise the hard limit (`ulimit -Hn`, limits.conf(5), `docker run --ulimit nofile=`)'
    ),
    inFlight(soft),
  ]
}

function wmem(name: string, consequence: string): Limit {
  const text = read(`/proc/sys/net/core/${name}`)
  const value = text === undefined ? null : Number(text)
  const low = value !== null && value < STOCK_WMEM
  const advice = low
    ? `${consequence}; \`sysctl -w net.core.${name}=${STOCK_WMEM}\` restores the kernel's own value`
    : null
  return { name: `net.core.${name}`, value, unit: 'bytes', advice }
}

function files(name: string, value: number | null, remedy: string): Limit {
  const low = value !== null && value < FEW_DESCRIPTORS
  const advice = low ? `a channel with both ends in one process takes two descriptors: ${remedy}` : null
  return { name, value, unit: 'descriptors', advice }
}

/** One user's descriptors, in all processes, sent but not received; past it, sends fail with ETOOMANYREFS (unix(7)). */
function inFlight(soft: number | null): Limit {
  const value = exceedsInFlight() ? null : soft
  const low = value !== null && value < FEW_DESCRIPTORS
  const advice = low
    ? 'all processes of this user share it: raise the soft RLIMIT_NOFILE of processes that send descriptors'
    : null
  return { name: 'descriptors in flight', value, unit: 'descriptors', advice }
}

function openFiles(): { soft: number | null; hard: number | null } {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(read('/proc/self/limits') ?? '') ?? []
  return { soft: numberOf(soft), hard: numberOf(hard) }
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === 'unlimited' ? null : Number(text)
}

/** A capability counts only in the first user namespace, whose map of users is the whole range. */
function exceedsInFlight(): boolean {
  const [, bits = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '') ?? []
  const capabilities = BigInt(`0x${bits}`)
  const has = (capability: bigint) => ((capabilities >> capability) & 1n) === 1n
  const first = /^\s*0\s+0\s+4294967295\s*$/.test(read('/proc/self/uid_map') ?? '')
  return first && (has(CAP_SYS_ADMIN) || has(CAP_SYS_RESOURCE))
}

/** Returns undefined for a file that a container hides. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
