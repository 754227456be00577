import { readFileSync } from 'node:fs'
import { WormholeError } from 'wormhole-ipc'

/** A line of the input, with its number for messages about it. */
export interface Line {
  number: number
  text: string
}

export type Fields = Record<string, unknown>

/** Waits for what sends. That nobody receives any more is an end like another: the output may go to `head`. */
export async function untilNobodyTakes(sending: Promise<unknown>): Promise<void> {
  try {
    await sending
  } catch (error) {
    if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
  }
}

/** Tells how much memory this process had at its peak, if asked to. */
export function reportPeak(stage: string, verbose: boolean): void {
  if (!verbose) return
  // Not resourceUsage().maxRSS, in which the parent's memory counts too.
  const kilobytes = /^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  console.error(`pipeline: ${stage} needed ${Math.round(Number(kilobytes) / 1000)} MB`)
}
