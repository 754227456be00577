import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type ServerOpts, type Socket } from 'node:net'

let names = 0

/** Opens Node's TCP server on a free port, or its Unix server with an abstract name (unix(7)), which leaves no file. */
export async function listen(kind: 'tcp' | 'unix', options: ServerOpts = {}): Promise<Server> {
  names++
  const server = createServer(options).listen(kind === 'tcp' ? 0 : `\0wormhole-test-${process.pid}-${names}`)
  await once(server, 'listening')
  return server
}

/** Returns the address of an open server, to connect to. */
export function addressOf(server: Server): { port: number } | { path: string } {
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? { path: address } : { port: address.port }
}

/** Makes a connection and returns its two ends. The server that made it is closed already. */
export async function connection(kind: 'tcp' | 'unix'): Promise<[Socket, Socket]> {
  const server = await listen(kind)
  const near = connect(addressOf(server))
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')])
  server.close()
  return [near, far]
}

/** Returns the descriptor of a socket or server, which Node keeps internal. */
export function fdOf(item: Socket | Server): number {
  return (item as unknown as { _handle: { fd: number } })._handle.fd
}

/** Reads everything up to the end. */
export async function textFrom(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
