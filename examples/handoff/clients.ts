import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Greeting, Order, Outcome } from './protocol.js'

/** Connects many times at once, and compares what comes back with what was sent. */
export default async function visit({ server, clients, bytes }: Order): Promise<Outcome> {
  const outcome: Outcome = { right: {}, wrong: [] }

  async function client(number: number): Promise<void> {
    // The first says nothing, the last more than a socket buffers.
    const said = randomBytes(Math.round((bytes * number) / clients))
    const socket = connect({ ...server, allowHalfOpen: true })
    // Written at once: it waits in the kernel while the connection changes hands.
    socket.end(said)
    await once(socket, 'connect')
    const { localAddress, localPort } = socket
    const heard = await buffer(socket)
    const line = heard.indexOf('\n')
    const { pid, from } = JSON.parse(heard.toString('utf8', 0, line)) as Greeting
    if ('port' in server && from !== `${localAddress}:${localPort}`) throw new Error(`was greeted as ${from}`)
    const echo = heard.subarray(line + 1)
    if (!echo.equals(said)) throw new Error(`sent ${said.length} bytes; ${echo.length} came back, or others`)
    outcome.right[pid] = (outcome.right[pid] ?? 0) + 1
  }

  const all = Array.from({ length: clients }, async (_, index) => {
    await client(index).catch((error: Error) => outcome.wrong.push(`client ${index + 1}: ${error.message}`))
  })
  await Promise.all(all)
  return outcome
}
