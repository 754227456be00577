import { type Link, processSend, wormhole } from './links.js'

export interface Rate {
  messages: number
  seconds: number
  /** The median of the rounds. */
  perSecond: number
}

export interface SelfTest {
  /** The message's length as JSON. */
  messageBytes: number
  wormhole: Rate
  processSend: Rate
  /** How many times as many messages a second this library sends: of rounds that ran in turn. */
  ratio: { median: number; min: number; max: number }
}

/** Is called with the part of the self-test that is done, from 0 to 1. */
type Listener = (title: string, part: number) => void

/** The README's message. */
const make = () => ({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })

/** Messages between two looks at the clock, each of which costs a tenth of sending a message. */
const MESSAGES_PER_LOOK = 64
/** Milliseconds that a child may take to start, and to count what is under way at the end, before it is killed. */
const PATIENCE_MS = 30_000

/** How often each way is measured, in turn, so that what else the machine does disturbs both. */
const ROUNDS = 5

/** Sends as fast as possible, both ways in turn. Rejects if messages do not arrive. */
export async function selfTest(seconds: number, listener: Listener): Promise<SelfTest> {
  const duration = (seconds * 1000) / (2 * ROUNDS)
  const rounds: { ours: Rate; theirs: Rate }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const told = (half: number): Listener => {
      return (title, part) => listener(title, (round + (half + part) / 2) / ROUNDS)
    }
    const ours = await measure('wormhole-ipc', wormhole, duration, told(0))
    rounds.push({ ours, theirs: await measure('process.send', processSend, duration, told(1)) })
  }
  const ratios = rounds.map(({ ours, theirs }) => ours.perSecond / theirs.perSecond)
  return {
    messageBytes: Buffer.byteLength(JSON.stringify(make())),
    wormhole: together(rounds.map(({ ours }) => ours)),
    processSend: together(rounds.map(({ theirs }) => theirs)),
    ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
  }
}

function together(rates: readonly Rate[]): Rate {
  const sum = (field: 'messages' | 'seconds') => rates.reduce((total, rate) => total + rate[field], 0)
  return { messages: sum('messages'), seconds: sum('seconds'), perSecond: median(rates.map((rate) => rate.perSecond)) }
}

/** Returns the middle one of an odd number of values. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2] as number
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
