import { type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { factorise } from './factorise.js'
import type { Job, News, Report } from './protocol.js'
import { STOP_SIGNALS } from './stop.js'

const { jobs, reports } = inherited<{ jobs: Receiver<Job>; reports: Sender<Report> }>()

// The end of the jobs is what stops a worker. A Ctrl-C or systemd tells every process of the group, too early for this one.
for (const signal of STOP_SIGNALS) process.on(signal, () => undefined)

function finish({ id, number }: Job): News {
  try {
    return { kind: 'done', id, factors: factorise(number) }
  } catch (error) {
    return { kind: 'failed', id, reason: String(error) }
  }
}

async function tell(news: News): Promise<void> {
  await reports.send({ ...news, ends: { jobs: jobs.stats(), reports: reports.stats() } })
}

try {
  await tell({ kind: 'ready' })
  for await (const job of jobs) await tell(finish(job))
} catch (error) {
  // The service is gone, and with it whoever waited for an answer.
  if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
}
