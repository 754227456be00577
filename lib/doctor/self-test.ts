import { type Link, processSend, wormhole } from './links.js'

export interface Rate {
  messages: number
  seconds: number
  perSecond: number
}

export interface SelfTest {
  /** The message's length as JSON. */
  messageBytes: number
  wormhole: Rate
  processSend: Rate
}

/** Is called with the part of the self-test that is done, from 0 to 1. */
type Listener = (title: string, part: number) => void

/** The README's message. */
const make = () => ({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })

/** Messages between two looks at the clock, each of which costs a tenth of sending a message. */
const MESSAGES_PER_LOOK = 64
/** Milliseconds that a child may take to start, and to count what is under way at the end, before it is killed. */
const PATIENCE_MS = 30_000

/** Sends as fast as possible, half of the time each way. Rejects if messages do not arrive. */
export async function selfTest(seconds: number, listener: Listener): Promise<SelfTest> {
  const half = (seconds * 1000) / 2
  return {
    messageBytes: Buffer.byteLength(JSON.stringify(make())),
    wormhole: await measure('wormhole-ipc', wormhole, half, listener),
    processSend: await measure('process.send', processSend, half, listener),
  }
}

async function measure(title: string, start: () => Link, duration: number, listener: Listener): Promise<Rate> {
  const { child, count, send, close } = start()
  const giveUp = setTimeout(() => child.kill('SIGKILL'), duration + PATIENCE_MS)
  try {
    await count()
    let sent = 0
    const began = performance.now()
    function* messages() {
      for (;;) {
        const part = (performance.now() - began) / duration
        listener(title, Math.min(part, 1))
        if (part >= 1) return
        for (let index = 0; index < MESSAGES_PER_LOOK; index++) yield make()
        sent += MESSAGES_PER_LOOK
      }
    }
    const [arrived] = await Promise.all([count(), send(messages())])
    if (arrived !== sent) throw new Error(`${title}: ${arrived} of ${sent} messages arrived`)
    const taken = (performance.now() - began) / 1000
    return { messages: sent, seconds: taken, perSecond: sent / taken }
  } finally {
    clearTimeout(giveUp)
    close()
  }
}
