import { channel, type Sender } from 'wormhole-ipc'
import { link, serve } from 'wormhole-ipc/calls'
import { type Client, type Listener, listen } from 'wormhole-ipc/listen'
import type { Given, Job } from './protocol.js'

/** Keeps a list of jobs, and gives each client ends to add to it and to watch it, until the listener is closed. */
export async function runDaemon(path: string, users: readonly number[], log: (line: string) => void): Promise<void> {
  // Any user may connect: who may do what is decided by the user id, which the kernel tells.
  const listener = await listen(path, path.startsWith('@') ? {} : { mode: 0o666 })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => listener.close())
  log(`listens at ${path}`)
  await answer(listener, users, log)
}

async function answer(listener: Listener, users: readonly number[], log: (line: string) => void): Promise<void> {
  const jobs: Job[] = []
  const watchers = new Set<Sender<Job>>()

  async function welcome(client: Client): Promise<void> {
    const { pid, uid } = client.credentials
    if (!users.includes(uid)) {
      log(`refuses process ${pid} of user ${uid}`)
      return await client.refuse(`user ${uid} may not use these jobs`)
    }
    log(`serves process ${pid} of user ${uid}`)
    const [ours, theirs] = link()
    const [watcher, added] = channel<Job>()
    try {
      await client.give<Given>({ api: theirs, added })
      watchers.add(watcher)
      await serve(ours, {
        add: (text: string) => {
          const job = { id: jobs.length + 1, text, uid }
          jobs.push(job)
          for (const each of watchers) tell(each, job)
          return job
        },
        list: () => jobs,
      })
    } finally {
      watchers.delete(watcher)
      for (const end of [ours.sender, ours.receiver, theirs.sender, theirs.receiver, watcher, added]) end.close()
      log(`process ${pid} is gone`)
    }
  }

  for await (const client of listener) {
    welcome(client).catch((error: Error) => log(`a client has failed: ${error.message}`))
  }
  for (const watcher of watchers) watcher.close()
}

/** A watcher that does not read misses jobs; it holds nobody up. */
function tell(watcher: Sender<Job>, job: Job): void {
  try {
    watcher.trySend(job)
  } catch {
    // It is gone, which the end of its link tells.
  }
}
