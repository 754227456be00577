import { link } from '../calls/make-link.js'
import { serve } from '../calls/serve.js'
import { listOpenEnds } from '../channel/open-ends.js'
import { emitWarning } from '../core/globals.js'
import type { Client } from '../listen/client.js'
import { listen } from '../listen/listen.js'
import { nameOf, type Reports, report } from './report.js'

const { threadId } = process.getBuiltinModule('node:worker_threads')

/** Ends that are not the program's own: those to the programs that look. */
const hidden = new WeakSet<object>()

/** Lists this thread's ends from now on, and reports them to whoever asks: its own user, or root. */
export function answerTop(): void {
  listOpenEnds()
  answerAll().catch((error) => {
    emitWarning(`wormhole-ipc top cannot look into this program: ${error.message}`, 'WormholeWarning', 'WORMHOLE_TOP')
  })
}

async function answerAll(): Promise<void> {
  const listener = (await listen(nameOf(process.pid, threadId))).unref()
  for await (const client of listener) answer(client).catch(ignore)
}

/** Answers one program that looks, until it is gone. */
async function answer(client: Client): Promise<void> {
  const { uid } = client.credentials
  if (uid !== process.geteuid?.() && uid !== 0) {
    await client.refuse('only the user of the program, or root, may look into it')
    return
  }
  const [ours, theirs] = link()
  for (const end of [ours.sender, ours.receiver, theirs.sender, theirs.receiver]) hidden.add(end.unref())
  const handlers: Reports = { report: () => report(hidden) }
  const serving = serve(ours, handlers)
  await client.give({ reports: theirs })
  await serving
}

function ignore(): void {}
