import { now } from '../core/clock.js'
import { codeFolder } from '../core/package-files.js'
import type { Counters, EndpointStats, Observed } from '../core/telemetry.js'
import { inodeOf } from '../os/syscalls.js'

const { subscribe } = process.getBuiltinModule('node:diagnostics_channel')

/** Keeps a list of this thread's open ends, with where each was made: only for those who ask to see them. */

/** An end as the list finds it: an event's subject that also counts. */
interface CountingEnd extends Observed {
  readonly counters: Counters
  stats(): EndpointStats
}

/** What is known of an end since it was made. */
interface Entry {
  readonly name: string
  readonly fd: number
  /** The inode of its socket: the same in every process that holds this end. */
  readonly inode: number
  /** The call that made it, a line per frame, the innermost first. */
  readonly madeAt: readonly string[]
  /** Not the end itself, which may become garbage. */
  readonly reference: WeakRef<CountingEnd>
}

/** An open end, and where the program made it. */
export interface OpenEnd extends Entry {
  readonly end: CountingEnd
  /** The inode of the other end's socket; 0 if this thread did not make the channel. */
  readonly peer: number
  /** For how many milliseconds it has been waiting for the other end; -1 if it does not wait. */
  readonly waiting: number
}

/** Frames of a stack that are kept. */
const FRAMES = 20

const byFd = new Map<number, Entry>()
/** The sockets of the channels made here, by either inode; also after both ends have moved away. */
const peers = new Map<number, number>()
/** More than this many pairs are not kept. */
const MAX_PAIRS = 10_000
let listing = false

/** Begins the list; ends made before are not in it. */
export function listOpenEnds(): void {
  if (listing) return
  listing = true
  subscribe('wormhole-ipc:open', (event) => opened((event as { end: CountingEnd }).end))
  subscribe('wormhole-ipc:channel', (event) => paired(event as { sender: Observed; receiver: Observed }))
  for (const name of ['wormhole-ipc:move', 'wormhole-ipc:close']) {
    subscribe(name, (event) => byFd.delete((event as { fd: number }).fd))
  }
}

/** Returns the open ends, the oldest first. */
export function openEnds(): OpenEnd[] {
  const ends: OpenEnd[] = []
  for (const entry of byFd.values()) {
    const end = entry.reference.deref()
    if (end === undefined) continue
    const { waitingSince } = end.counters
    ends.push({
      ...entry,
      end,
      peer: peers.get(entry.inode) ?? 0,
      waiting: waitingSince < 0 ? -1 : now() - waitingSince,
    })
  }
  return ends
}

function opened(end: CountingEnd): void {
  const { fd } = end
  byFd.set(fd, {
    name: end.constructor.name,
    fd,
    inode: inodeOf(fd) ?? 0,
    madeAt: callers(),
    reference: new WeakRef(end),
  })
}

function paired({ sender, receiver }: { sender: Observed; receiver: Observed }): void {
  const pair = [inodeOf(sender.fd) ?? 0, inodeOf(receiver.fd) ?? 0] as const
  if (peers.size >= 2 * MAX_PAIRS) peers.delete(peers.keys().next().value as number)
  peers.set(pair[0], pair[1])
  peers.set(pair[1], pair[0])
}

/** The stack of the user's call: without the frames of this library and of Node's own modules. */
function callers(): string[] {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  return stack
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ''))
    .filter((line) => !line.includes('node:') && !line.includes(codeFolder))
}
