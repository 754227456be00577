import { type OwnedFd, type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import type { Answer, Request } from './protocol.js'

const { requests } = inherited<{ requests: Receiver<Request> }>()
const values = new Map<string, string>()
/** Who asked for a value that is not there yet. */
const waiting = new Map<string, Sender<Answer>[]>()

async function answer(reply: Sender<Answer>, message: Answer): Promise<void> {
  try {
    await reply.send(message)
  } catch (error) {
    if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
    console.error('store: an answer came too late')
  } finally {
    reply.close()
  }
}

async function serve(request: Request, reply: Sender<Answer>): Promise<void> {
  if ('set' in request) {
    const { set: name, value } = request
    values.set(name, value)
    const waited = waiting.get(name) ?? []
    waiting.delete(name)
    await Promise.all([answer(reply, { value: 'stored' }), ...waited.map((asker) => answer(asker, { value }))])
    return
  }
  const value = values.get(request.get)
  if (value !== undefined) await answer(reply, { value })
  else waiting.set(request.get, [...(waiting.get(request.get) ?? []), reply])
}

/** The requests with their descriptors, until every client is gone. */
async function* incoming(): AsyncGenerator<[Request, OwnedFd[]]> {
  try {
    for (;;) yield await requests.recvWithFds()
  } catch (error) {
    if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
  }
}

for await (const [request, [reply]] of incoming()) {
  if (reply !== undefined) void serve(request, reply.sender<Answer>())
}
await Promise.all([...waiting.values()].flat().map((asker) => answer(asker, { ended: true })))
