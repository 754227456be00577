import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { channel } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { OUTBOX_BYTES } from '#lib/wire/outbox'
import { openDescriptors } from '../helpers/proc.js'
import { Random } from '../helpers/random.js'
import { Chaos } from './chaos.js'
import { Counter } from './counter.js'
import { runLane } from './lane-run.js'
import type { Lane } from './lanes.js'
import { leftovers, warmUp } from './leftovers.js'
import { type Manifest, writeManifest } from './manifest.js'
import { sampleMemory } from './memory.js'
import { Log } from './record.js'
import { Troupe } from './troupe.js'

export interface RunOptions {
  folder: string
  lanes: readonly Lane[]
  seed: number
  /** It is over once so many sends have resolved, so many of each lane among them, or so many seconds have passed. */
  messages: number
  messagesOfEach?: number
  seconds: number
  /** Told now and then how many sends have resolved. */
  progress: (messages: number, seconds: number) => void
}

export interface RunOutcome {
  manifest: Manifest
  stops: number
  seconds: number
  /** What went wrong that no actor's log tells. */
  failures: string[]
}

const LOOK_MS = 500
/** For all to come to their end once nothing new is sent. */
const MAX_END_MS = 60_000
export const SUPERVISOR_LOG = 'supervisor.log'

/** Lets actors send and receive, and die, until it is enough. Leaves their logs and the manifest in the folder. */
export async function run(options: RunOptions): Promise<RunOutcome> {
  const { folder, lanes, seed } = options
  await warmUp()
  const before = openDescriptors()
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1000
  const log = new Log(join(folder, SUPERVISOR_LOG))
  const sampling = sampleMemory(log)
  const random = new Random(seed)
  const [stopping, stop] = channel<never>()
  const troupe = new Troupe(folder, random, stop)
  const laneRuns = lanes.map((lane) => runLane(lane, troupe))
  const chaos = new Chaos(troupe, new Random(random.below(2 ** 32)))
  const counter = new Counter(folder)

  let messages = 0
  const { messagesOfEach = 0 } = options
  const isBehind = ({ name }: Lane) => counter.count(troupe.incarnations, name) < messagesOfEach
  const isEnough = () => messages >= options.messages && !lanes.some(isBehind)
  while (!isEnough() && elapsed() < options.seconds && troupe.failures.length === 0) {
    await setTimeout(LOOK_MS)
    messages = counter.count(troupe.incarnations)
    options.progress(messages, elapsed())
  }

  await chaos.end()
  stopping.close()
  for (const lane of laneRuns) lane.lastOnes()
  const over = Promise.all(laneRuns.map((lane) => lane.over))
  const late = new AbortController()
  const hung = await Promise.race([over.then(() => false), setTimeout(MAX_END_MS, true, { signal: late.signal })])
  late.abort()
  const failures = [...troupe.failures]
  if (hung) {
    for (const { about, kill } of troupe.running) {
      failures.push(`actor ${about.id} of lane '${about.lane}' did not come to its end`)
      kill()
    }
    await over
  }
  for (const lane of laneRuns) lane.close()
  stop.close()
  clearInterval(sampling)
  log.close()
  failures.push(...leftovers(before))
  const manifest: Manifest = { seed, lanes, incarnations: troupe.incarnations, streamBytes: streamBytes() }
  writeManifest(folder, manifest)
  return { manifest, stops: chaos.stops, seconds: elapsed(), failures }
}

/**
 * What dies with the only receiver of a byte stream, beside the message that it has in part: what one receive has
 * taken from the queue, and what the queue has taken since, each up to SO_SNDBUF and the write that went over it.
 */
function streamBytes(): number {
  const pair = socket.socketpair(socket.SOCK_STREAM)
  try {
    return 2 * (socket.longestPacket(pair[0]) + OUTBOX_BYTES)
  } finally {
    socket.closeAll([...pair])
  }
}
