import { fstatSync } from 'node:fs'
import { type OwnedFd, type Receiver, select, WormholeError } from 'wormhole-ipc'
import type { Receiving } from './lanes.js'
import { checkOf, type Message } from './message.js'
import { kinds, type Log } from './record.js'

type Ends = Record<string, Receiver<Message>>
/** Receives until that fails, or until iterating comes to its end. */
type Way = (ends: Ends, log: Log) => Promise<void>

/** Receives until every sender is gone, and notes each message as soon as it has it. */
export async function receive(way: Receiving, ends: Ends, log: Log): Promise<void> {
  for (;;) {
    try {
      await ways[way](ends, log)
      return
    } catch (error) {
      if (!(error instanceof WormholeError)) throw error
      if (error.code === 'ERR_WORMHOLE_DISCONNECTED') return
      if (error.code !== 'ERR_WORMHOLE_TRUNCATED') throw error
      log.write(kinds.broken, 0, 0, 1)
    }
  }
}

const only = (ends: Ends) => Object.values(ends)[0] as Receiver<Message>

const ways: Record<Receiving, Way> = {
  recv: async (ends, log) => {
    for (;;) note(log, [await only(ends).recv()])
  },
  recvWithFds: async (ends, log) => {
    for (;;) {
      const [message, fds] = await only(ends).recvWithFds()
      const right = rightFds(message, fds)
      for (const fd of fds) fd.close()
      note(log, [right ? message : { ...message, body: 'wrong descriptors' }])
    }
  },
  iterate: async (ends, log) => {
    for await (const message of only(ends)) note(log, [message])
  },
  batches: async (ends, log) => {
    for await (const messages of only(ends).batches()) note(log, messages)
  },
  select: async (ends, log) => {
    for (;;) note(log, [(await select(ends))[1]])
  },
}

function rightFds({ inodes = [] }: Message, fds: readonly OwnedFd[]): boolean {
  return inodes.length === fds.length && fds.every(({ fd }, index) => fstatSync(fd).ino === inodes[index])
}

/** Notes messages, those of one sender that follow each other as one range. */
function note(log: Log, messages: readonly Message[]): void {
  let at = 0
  while (at < messages.length) {
    const { from, number } = messages[at] as Message
    let check = 0
    let count = 0
    for (; at < messages.length; at++, count++) {
      const next = messages[at] as Message
      if (next.from !== from || next.number !== number + count) break
      check = (check + checkOf(next.from, next.number, next.body)) >>> 0
    }
    log.write(kinds.received, from, number, count, check)
  }
}
