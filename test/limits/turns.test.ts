import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect } from 'chai'
import { merge, type Receiver, type Sender, select } from 'wormhole-ipc'
import { startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { fill } from '../helpers/fill.js'
import { LONG, sized } from '../helpers/long.js'
import { usesChildren } from '../helpers/uses-children.js'

/** How often a timer of a millisecond must have fired before a channel is let go: in the long form enough for a p99. */
const TICKS = sized(25, 1000)

interface Meanwhile {
  /** Whether the timer has fired often enough. */
  readonly enough: boolean
}

/** Runs `use` at full speed until a timer has fired often enough; prints what the event loop was late by. */
async function whileTicking(what: string, use: (meanwhile: Meanwhile) => Promise<number>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  delay.enable()
  try {
    const messages = await use({
      get enough() {
        return ticks >= TICKS
      },
    })
    // A busy machine may have time for few long ones between two ticks.
    expect(messages).to.be.above(0)
    const [median, late, most] = [delay.percentile(50), delay.percentile(99), delay.max].map((nanoseconds) =>
      (nanoseconds / 1e6).toFixed(1)
    )
    console.log(
      `      ${what}: ${messages} messages; the loop's delay in ms: median ${median}, p99 ${late}, most ${most}`
    )
  } finally {
    delay.disable()
    clearInterval(timer)
  }
}

type Taker = (receiver: Receiver<unknown>, meanwhile: Meanwhile) => Promise<number>

const takers: Record<string, Taker> = {
  recv: async (receiver, meanwhile) => {
    let count = 0
    for (; !meanwhile.enough; count++) await receiver.recv()
    return count
  },
  'recv, a thousand at once': async (receiver, meanwhile) => {
    let count = 0
    for (; !meanwhile.enough; count += 1000) {
      await Promise.all(Array.from({ length: 1000 }, () => receiver.recv()))
    }
    return count
  },
  iteration: async (receiver, meanwhile) => {
    let count = 0
    for await (const _ of receiver) {
      count++
      if (meanwhile.enough) break
    }
    return count
  },
  batches: async (receiver, meanwhile) => {
    let count = 0
    for await (const batch of receiver.batches()) {
      count += batch.length
      if (meanwhile.enough) break
    }
    return count
  },
  select: async (receiver, meanwhile) => {
    let count = 0
    for (; !meanwhile.enough; count++) await select({ receiver })
    return count
  },
  merge: async (receiver, meanwhile) => {
    let count = 0
    for await (const _ of merge({ receiver })) {
      count++
      if (meanwhile.enough) break
    }
    return count
  },
}

type Giver = (sender: Sender<unknown>, meanwhile: Meanwhile) => Promise<number>

const message = { a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }

function* until(meanwhile: Meanwhile): Generator<unknown> {
  while (!meanwhile.enough) yield message
}

const givers: Record<string, Giver> = {
  send: async (sender, meanwhile) => {
    let count = 0
    for (; !meanwhile.enough; count++) await sender.send(message)
    return count
  },
  'send, a thousand at once': async (sender, meanwhile) => {
    let count = 0
    for (; !meanwhile.enough; count += 1000) {
      await Promise.all(Array.from({ length: 1000 }, () => sender.send(message)))
    }
    return count
  },
  sendAll: (sender, meanwhile) => sender.sendAll(until(meanwhile)),
  'long messages': async (sender, meanwhile) => {
    const long = 'x'.repeat(300_000)
    let count = 0
    for (; !meanwhile.enough; count++) await sender.send(long)
    return count
  },
}

describe('timers fire while a channel runs at full speed', function () {
  if (LONG) this.timeout(600_000)
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  for (const [what, take] of Object.entries(takers)) {
    it(`into ${what}`, async () => {
      const [sender, receiver] = open<unknown>()
      const child = startNode('flood', [], [sender.fd])
      sender.close()
      await receiver.recv()
      await whileTicking(what, (meanwhile) => take(receiver, meanwhile))
      receiver.close()
      expect(await child.ended).to.include({ code: 0, stderr: '' })
    })
  }

  for (const [what, give] of Object.entries(givers)) {
    it(`out of ${what}`, async () => {
      const [sender, receiver] = open<unknown>()
      const child = startNode('drain', [], [receiver.fd])
      receiver.close()
      // Until the child reads.
      fill(sender, () => message)
      await sender.send(message)
      await whileTicking(what, (meanwhile) => give(sender, meanwhile))
      sender.close()
      expect(await child.ended).to.include({ code: 0, stderr: '' })
    })
  }
})
