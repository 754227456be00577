import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import type { Address, Answer, Order, Report } from './protocol.js'

const { orders, reports } = inherited<{ orders: Receiver<Order>; reports: Sender<Report> }>()
const generation = Number(process.argv[2])

let listener: Server | undefined
let stopping = false
let served = 0

const http = createHttpServer(({ url: path = '' }, response) => {
  // Done by another thread: while it works, this request is open.
  pbkdf2(path, 'salt', 2000, 16, 'sha256', (error, key) => {
    if (error) throw error
    // A kept connection ends behind an answer. Ending an idle one could meet a request that is on its way.
    if (stopping) response.setHeader('Connection', 'close')
    response.end(JSON.stringify({ generation, path, digest: key.toString('hex') } satisfies Answer))
    served++
  })
})

async function listen(address: Address): Promise<Server> {
  const server = createServer()
  if ('port' in address) {
    await once(server.listen(address.port, '127.0.0.1'), 'listening')
  } else {
    // A server that closes removes the name it has bound: that must not be the one that clients use.
    const bound = `${address.path}.${process.pid}`
    await once(server.listen(bound), 'listening')
    renameSync(bound, address.path)
  }
  return server
}

async function accept(server: Server): Promise<void> {
  listener = server
  // Two servers, as closing an HTTP server that listens would end its idle connections.
  listener.on('connection', (socket) => http.emit('connection', socket))
  const address = listener.address() as AddressInfo | null
  await reports.send({ kind: 'accepting', port: address?.port ?? null })
}

/** The supervisor has closed its end, or is gone: nothing to say and nothing to do. */
function atEnd(error: unknown): undefined {
  if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
}

const nextOrder = () => orders.recvWithFds().catch(atEnd)

for (let next = await nextOrder(); next !== undefined; next = await nextOrder()) {
  const [order, [fd]] = next
  if (order.kind === 'listen') {
    await accept(await listen(order.address))
  } else if (order.kind === 'accept') {
    await accept(await fd!.toServer())
  } else {
    const successor = fd!.sender<Order>()
    await successor.sendWithFds({ kind: 'accept' }, [listener!])
    successor.close()
  }
}

stopping = true
// Closed once the connections accepted here are. New ones go to the successor, which has the same socket.
if (listener !== undefined) await once(listener.close(), 'close')
await reports.send({ kind: 'stopped', served }).catch(atEnd)
