// IPC of node:child_process, in either serialization.
import { fork } from 'node:child_process'
import { keep } from './children.mjs'
import { combine } from './links.mjs'

/**
 * @param {'json' | 'advanced'} serialization
 * @returns {import('../driver.mjs').Driver}
 */
export function childProcess(serialization) {
  return {
    title: `child_process ${serialization}`,
    promise: 'kernel',
    // JSON has no bytes.
    does: ['stream', 'link', 'descriptors', ...(serialization === 'advanced' ? /** @type {const} */ (['bytes']) : [])],
    async start(argv, children) {
      return combine(Array.from({ length: children }, () => link(forkProcess(argv, serialization))))
    },
    async connect() {
      return link(process)
    },
  }
}

/**
 * @param {string[]} argv of node
 * @param {'json' | 'advanced'} [serialization]
 */
export function forkProcess([program, ...args], serialization = 'json') {
  return keep(fork(program, args, { serialization, stdio: ['pipe', 'inherit', 'inherit', 'ipc'] }))
}

/** @param {any} channel a ChildProcess, or `process` */
function link(channel) {
  const send = (message, handle) =>
    new Promise((resolve, reject) =>
      channel.send(message, handle, (error) => (error ? reject(error) : resolve(undefined)))
    )

  // false: the backlog is longer than is wise. So the next message waits until it is written, and all before it with it.
  const sendAll = async (messages, handle) => {
    let ready = true
    for (const message of messages) {
      if (ready) ready = channel.send(message, handle)
      else {
        await send(message, handle)
        ready = true
      }
    }
  }
  return {
    send,
    sendAll,
    sendHandles: sendAll,
    receive(take) {
      channel.on('message', take)
    },
    sendBytes: (bytes) => send(bytes),
    receiveBytes(take) {
      channel.on('message', take)
    },
    receiveHandles(take) {
      channel.on('message', (message, server) => {
        server?.close()
        take(message, server !== undefined)
      })
    },
    close: () => channel.disconnect(),
  }
}
