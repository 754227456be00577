import { createServer, type Server, type Socket } from 'node:net'
import { type Sender, WormholeError } from 'wormhole-ipc'
import type { Visit } from './protocol.js'

/** A server that hands its connections to workers, in turn; when one of them is gone, to the next. */
export function createAcceptor(workers: readonly Sender<Visit>[]): Server {
  let turn = 0

  async function handOff(socket: Socket): Promise<void> {
    const { remoteAddress, remotePort } = socket
    const visit = { from: remotePort === undefined ? undefined : `${remoteAddress}:${remotePort}` }
    const first = turn++
    for (let tries = 0; tries < workers.length; tries++) {
      try {
        return await workers[(first + tries) % workers.length]!.sendWithFds(visit, [socket])
      } catch (error) {
        // Not lost: the connection is still here too, until a worker has it.
        if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
      }
    }
    throw new Error('no worker is left')
  }

  // Paused: what is read here would be missing there.
  return createServer({ pauseOnConnect: true }, (socket) => {
    handOff(socket)
      .catch((error: Error) => console.error(`a connection is dropped: ${error.message}`))
      // Closes the descriptor that is left here. The connection goes on: the worker has its own.
      .finally(() => socket.destroy())
  })
}
