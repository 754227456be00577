// This library as it is installed: of build/package, which scripts/packed makes. Nothing else in the harness's
// measurements imports it. Children share the ends of one pair of channels.
/** @import { Receiver, Sender } from '../../../build/package/dist/index.js' */
import { channel, OwnedFd } from '../../../build/package/dist/index.js'
import { inherited, spawn } from '../../../build/package/dist/process.js'
import { keep } from './children.mjs'

const MIN_MAXIMUM = 1024 * 1024

/** How many sends with a descriptor are made before one is awaited, and with it all before. */
const HANDLES_AT_ONCE = 64

/**
 * @param {string} title
 * @param {{ coalesce?: boolean, receive?: typeof takeEach, takeBytes?: typeof readBytes, does?: import('../driver.mjs').Driver['does'] }} [options]
 * @returns {import('../driver.mjs').Driver}
 */
export function wormhole(title, { coalesce = true, receive = takeEach, takeBytes = readBytes, does } = {}) {
  const pairOf = ({ bytes = 0 }) => channel({ coalesce, maxMessageBytes: Math.max(bytes, MIN_MAXIMUM) })
  return {
    title,
    promise: 'kernel',
    does: does ?? ['stream', 'link', 'sync', 'descriptors', 'pair'],
    async start(argv, children, job) {
      const [jobs, todo] = pairOf(job)
      const [done, replies] = pairOf(job)
      for (let index = 0; index < children; index++) {
        const channels = { todo: todo.clone(), done: done.clone() }
        keep(spawn(process.execPath, argv, { stdio: ['pipe', 'inherit', 'inherit'], channels }))
      }
      todo.close()
      done.close()
      return link(jobs, replies, receive, takeBytes)
    },
    async connect() {
      /** @type {Record<string, any>} */
      const { todo, done } = inherited()
      return link(done, todo, receive, takeBytes)
    },
    async pair() {
      const [sender, receiver] = pairOf({})
      return {
        send: (message) => sender.send(message),
        recv: () => receiver.recv(),
        close() {
          sender.close()
          receiver.close()
        },
      }
    },
  }
}

/**
 * @param {Sender} sender
 * @param {Receiver<any>} receiver
 * @returns {import('../driver.mjs').Link}
 */
function link(sender, receiver, receive, takeBytes) {
  return {
    send: (message) => sender.send(message),
    async sendAll(messages) {
      await sender.sendAll(messages)
    },
    receive: (take) => receive(receiver, take).catch(ignoreClosing),
    sendSync: (message) => sender.sendSync(message),
    recvSync: () => receiver.recvSync(),
    async sendHandles(messages, server) {
      let sent = 0
      for (const message of messages) {
        const done = sender.sendWithFds(message, [server])
        if (++sent % HANDLES_AT_ONCE === 0) await done
      }
    },
    receiveHandles: (take) => takeHandles(receiver, take).catch(ignoreClosing),
    sendBytes: (bytes) => sender.sendWithFds(null, [OwnedFd.fromBytes(bytes)]),
    receiveBytes: (take) => takeFiles(receiver, takeBytes, take).catch(ignoreClosing),
    close() {
      sender.close()
      receiver.close()
    },
    stats: () => ({ sent: sender.stats(), received: receiver.stats() }),
  }
}

async function takeEach(receiver, take) {
  for await (const message of receiver) {
    const busy = take(message)
    if (busy !== undefined) await busy
  }
}

async function takeHandles(receiver, take) {
  for (;;) {
    const [message, fds] = await receiver.recvWithFds()
    for (const fd of fds) fd.close()
    take(message, fds.length > 0)
  }
}

async function takeFiles(receiver, takeBytes, take) {
  for (;;) {
    const [, [file]] = await receiver.recvWithFds()
    take(await takeBytes(file))
    file.close()
  }
}

/** @param {OwnedFd} file @returns {Buffer | Promise<Buffer>} */
function readBytes(file) {
  return file.bytes()
}

/** What waits while its link is closed is told so. */
function ignoreClosing(error) {
  if (error.code !== 'ERR_WORMHOLE_CLOSED' && error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
}
