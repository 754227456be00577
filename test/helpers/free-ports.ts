import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Returns ports of the loopback device that nobody listens on: for programs that must know each other's before they start. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) server.close()
  return ports
}
