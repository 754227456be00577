// A sender or a receiver of the soak: a process, or a worker thread of the supervisor. It runs until it is
// killed or the run is over.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Receiver, Sender } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { openDescriptors } from '../helpers/proc.js'
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

const role: Role = isMainThread ? JSON.parse(process.argv[2] as string) : (workerData as ThreadData).role
const names = 'send' in role.does ? [endName(0)] : Array.from({ length: role.lane.channels }, (_, n) => endName(n))
const { coalesce } = role.lane

function take(): Record<string, Sender<Message> | Receiver<Message>> {
  if (isMainThread) {
    const ends = inherited()
    return Object.fromEntries([...names, STOP].map((name) => [name, ends[name]!]))
  }
  const { fds } = workerData as ThreadData
  return Object.fromEntries(
    Object.entries(fds).map(([name, fd]) => [
      name,
      'send' in role.does && name !== STOP ? Sender.fromFd(fd, { coalesce }) : Receiver.fromFd(fd, { coalesce }),
    ])
  )
}

const { [STOP]: stop, ...ends } = take() as Record<string, Receiver<never>>
// From now on its end closes what it was given.
parentPort?.postMessage('here')
const log = new Log(role.log)
if (isMainThread) sampleMemory(log)
const before = openDescriptors()

let stopped = false
stop!
  .unref()
  .recv()
  .catch(() => {
    stopped = true
  })
if ('send' in role.does) {
  const sender = ends[endName(0)] as unknown as Sender<Message>
  await new Sending(role, role.does.send, sender, log).run(() => stopped)
  sender.close()
  await sender.flush()
} else {
  await receive(role.does.receive, ends, log)
  for (const end of Object.values(ends)) end.close()
}
stop!.close()
// A thread shares its descriptors with others: there the supervisor's count at the end tells.
if (isMainThread) log.write(kinds.end, 0, openDescriptors(), before - names.length - 1)
else log.write(kinds.end, 0, 0, 0)
