import { type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import type { Account, Greeting, Visit } from './protocol.js'

const { visits, accounts } = inherited<{ visits: Receiver<Visit>; accounts: Sender<Account> }>()

const { pid } = process
const account: Account = { pid, connections: 0, bytes: 0 }
// When there is nothing to wait for: no more will come, and every connection is closed.
process.once('beforeExit', () => accounts.send(account).catch(atEnd))

const nextVisit = () => visits.recvWithFds().catch(atEnd)

for (let next = await nextVisit(); next !== undefined; next = await nextVisit()) {
  const [{ from }, [fd]] = next
  const socket = fd!.toSocket()
  account.connections++
  socket.on('error', (error) => console.error(`worker ${pid}: ${error.message}`))
  socket.on('data', (bytes) => {
    account.bytes += bytes.length
  })
  socket.write(`${JSON.stringify({ pid, from } satisfies Greeting)}\n`)
  socket.pipe(socket)
}

/** The acceptor has closed its end, or is gone. */
function atEnd(error: unknown): undefined {
  if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
}
