#!/usr/bin/env node
// Takes the listening sockets of a running haproxy, as a new haproxy does when it is reloaded, and serves what it served: no
// connection is refused when haproxy ends. Usage: node takeover.js STATS-SOCKET
//
// haproxy needs `stats socket PATH expose-fd listeners`.
import type { Server } from 'node:net'
import { connect, type OwnedFd, recvmsg, sendmsg } from 'wormhole-ipc/socket'

/** The most sockets in one message; haproxy waits for a byte after each of this many (MAX_SEND_FD). */
const BATCH = 252
/** What comes with a socket: two names of up to 255 bytes, each after its length, and four bytes that are not used. */
const MAX_DETAILS = 2 * 256 + 4

/** Asks haproxy for its sockets. Those that it did not make to listen for streams are closed. */
async function listeningSockets(path: string): Promise<Server[]> {
  using haproxy = await connect(path)
  await sendmsg(haproxy, Buffer.from('_getsocks\n'))

  const count = Buffer.alloc(4)
  const { bytes } = await recvmsg(haproxy, count)
  if (bytes !== count.length) throw new Error('haproxy gives no sockets: its stats socket needs `expose-fd listeners`')

  const sockets: OwnedFd[] = []
  const details = Buffer.alloc(BATCH * MAX_DETAILS)
  while (sockets.length < count.readInt32LE()) {
    const { fds, end } = await recvmsg(haproxy, details)
    if (end) throw new Error('haproxy has ended')
    sockets.push(...fds)
    if (sockets.length % BATCH === 0) await sendmsg(haproxy, Buffer.from([1]))
  }
  const servers = await Promise.allSettled(sockets.map((socket) => socket.toServer()))
  for (const [index, { status }] of servers.entries()) if (status === 'rejected') sockets[index]?.close()
  return servers.flatMap((server) => (server.status === 'fulfilled' ? [server.value] : []))
}

for (const server of await listeningSockets(process.argv[2] as string)) {
  const address = server.address()
  if (address === null || typeof address === 'string') {
    server.close() // haproxy's own stats socket
    continue
  }
  const answer = 'served by Node\n'
  server.on('connection', (connection) => {
    connection.once('data', () =>
      connection.end(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`)
    )
    connection.on('error', () => connection.destroy())
  })
  console.log(`serving port ${address.port}`)
}
