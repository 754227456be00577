// Connections over Unix sockets of node:net: the parent listens in a directory of its own, each child connects.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess } from './children.mjs'
import { combine } from './links.mjs'

const VARIABLE = 'BENCH_SOCKET'

const directories = []

process.once('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** A path for a socket, which is gone when this process is. */
export function socketPath() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  directories.push(directory)
  return join(directory, 'socket')
}

/** The address that the parent put into this child's environment. */
export function address() {
  return process.env[VARIABLE]
}

/** Starts a child that finds `path` by {@link address}. */
export function startAt(argv, path) {
  return startProcess(argv, { [VARIABLE]: path })
}

/**
 * A peer over net.Socket: `link` is what it makes of one.
 *
 * @param {(socket: import('node:net').Socket) => import('../driver.mjs').Link} link
 */
export function overSockets(link) {
  let listening
  return {
    async start(argv, children) {
      const { server, path } = await listen()
      const sockets = []
      for (let index = 0; index < children; index++) {
        startAt(argv, path)
        sockets.push((await once(server, 'connection'))[0])
      }
      server.close()
      return combine(sockets.map(link))
    },
    async connect() {
      const socket = connect(address())
      await once(socket, 'connect')
      return link(socket)
    },
    async pair() {
      listening ??= listen()
      const { server, path } = await listening
      const accepted = once(server, 'connection')
      const near = connect(path)
      const [far] = await accepted
      const [sender, receiver] = [link(near), link(far)]
      return {
        send: sender.send,
        recv: () => new Promise((resolve) => receiver.receive(resolve)),
        close() {
          near.destroy()
          far.destroy()
        },
      }
    },
  }
}

async function listen() {
  const path = socketPath()
  const server = createServer().listen(path)
  await once(server, 'listening')
  server.unref()
  return { server, path }
}
