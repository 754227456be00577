// A sender or a receiver of the soak: a process, or a worker thread of the supervisor. It runs until it is
// killed or the run is over.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Receiver, Sender } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { openDescriptors } from '../helpers/proc.js'
import type { Receiving, Sending as SendingWay } from './lanes.js'
import { sampleMemory } from './memory.js'
import type { Message } from './message.js'
import { receive } from './receiving.js'
import { kinds, Log } from './record.js'
import { endName, type Role, STOP } from './role.js'
import { Sending } from './sending.js'

/** What a thread is given: its ends are numbers. */
export interface ThreadData {
  role: Role
  fds: Record<string, number>
}

type Performance = (log: Log) => Promise<void>

const { role, fds }: ThreadData = isMainThread ? { role: JSON.parse(process.argv[2]!), fds: {} } : workerData
const { does, lane } = role
const { coalesce } = lane

function takeReceiver<T>(name: string): Receiver<T> {
  if (isMainThread) return inherited<Record<string, Receiver<T>>>()[name]!
  return Receiver.fromFd<T>(fds[name]!, { coalesce })
}

function takeSender(name: string): Sender<Message> {
  if (isMainThread) return inherited<Record<string, Sender<Message>>>()[name]!
  return Sender.fromFd<Message>(fds[name]!, { coalesce })
}

/** Takes the end now; sends later, until it is told to stop. */
function toSend(way: SendingWay): Performance {
  const sender = takeSender(endName(0))
  return async (log) => {
    let stopped = false
    stop.recv().catch(() => {
      stopped = true
    })
    await new Sending(role, way, sender, log).run(() => stopped)
    sender.close()
    await sender.flush()
  }
}

/** Takes the ends now; receives later, until every sender is gone. */
function toReceive(way: Receiving): Performance {
  const names = Array.from({ length: lane.channels }, (_, channel) => endName(channel))
  const receivers = Object.fromEntries(names.map((name) => [name, takeReceiver<Message>(name)]))
  return async (log) => {
    await receive(way, receivers, log)
    for (const receiver of Object.values(receivers)) receiver.close()
  }
}

const stop = takeReceiver<never>(STOP).unref()
const perform = 'send' in does ? toSend(does.send) : toReceive(does.receive)
// From now on what this thread was given is closed when it ends.
parentPort?.postMessage('here')

const log = new Log(role.log)
if (isMainThread) sampleMemory(log)
const before = openDescriptors()
await perform(log)
stop.close()
// A thread shares its descriptors with others: there the supervisor's count at the end tells.
const ends = 1 + ('send' in does ? 1 : lane.channels)
const [left, expected] = isMainThread ? [openDescriptors(), before - ends] : [0, 0]
log.write(kinds.end, 0, left, expected)
