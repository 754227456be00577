import { type ChildProcess, fork as forkNode } from 'node:child_process'
import { once } from 'node:events'
import { channel } from '../channel/channel.js'
import { doctorPeerFile } from '../core/package-files.js'
import { fork } from '../process/spawn.js'

/** A child process, and the way to send to it. */
export interface Link {
  child: ChildProcess
  /** Waits for the next count from the child. */
  count(): Promise<number>
  /** Sends all messages; the child's next count says that it has received them. */
  send(messages: Iterable<object>): Promise<void>
  /** Ends the child and closes the way to it. */
  close(): void
}

/** The child's argument if it must use channels. */
export const CHANNEL = 'channel'
/** The last message of `process.send`. */
export const END = 'end'

const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const

/** Starts a child and sends to it by this library. */
export function wormhole(): Link {
  const [sender, messages] = channel<object>()
  const [counts, receiver] = channel<number>()
  const child = fork(doctorPeerFile, [CHANNEL], { stdio: [...stdio], channels: { messages, counts } })
  // A failed start ends the channels, which rejects what waits on them.
  child.on('error', () => undefined)
  return {
    child,
    count: () => receiver.recv(),
    async send(all) {
      await sender.sendAll(all)
      sender.close()
    },
    close() {
      child.kill()
      sender.close()
      receiver.close()
    },
  }
}

/** Starts a child and sends to it by Node's own IPC. */
export function processSend(): Link {
  const child = forkNode(doctorPeerFile, [], { stdio: [...stdio] })
  const send = (message: object | string) =>
    new Promise<void>((resolve, reject) => {
      child.send(message, (error) => (error ? reject(error) : resolve()))
    })
  return {
    child,
    async count() {
      const ending = new AbortController()
      const ended = once(child, 'exit', { signal: ending.signal }).then(() => {
        throw new Error('the child ended before it had counted its messages')
      })
      try {
        const [count] = await Promise.race([once(child, 'message', { signal: ending.signal }), ended])
        return count as number
      } finally {
        ended.catch(() => undefined)
        ending.abort()
      }
    },
    async send(all) {
      let ready = true
      for (const message of all) {
        // False: Node has much pending, so the next message is awaited until it is written.
        if (ready) ready = child.send(message)
        else {
          await send(message)
          ready = true
        }
      }
      await send(END)
    },
    close: () => void child.kill(),
  }
}
