import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../top/report.js'
import { Places } from './blocked.js'
import { Programs } from './programs.js'
import { deadlockText, table, title } from './top-table.js'

export interface TopOptions {
  pid: number
  /** Seconds between two looks. */
  interval: number
  /** Whether to look only once. */
  once: boolean
  json: boolean
  /** Whether to show where each end was made. */
  stacks: boolean
}

const NOT_ANSWERED = 1
const CLEAR = '\x1b[H\x1b[J'

/** Shows the channels of a running program until it ends. Returns the exit code. */
export async function top(options: TopOptions): Promise<number> {
  const { pid, interval, once } = options
  const programs = new Programs()
  try {
    let before = await programs.reports()
    if (!before.some((report) => report.pid === pid)) return notAnswered(pid)
    for (;;) {
      await sleep(interval * 1000)
      const now = await programs.reports()
      if (!now.some((report) => report.pid === pid)) return ended(pid)
      show(now, before, options)
      if (once) return 0
      before = now
    }
  } finally {
    programs.close()
  }
}

function show(now: readonly Report[], before: readonly Report[], { pid, json, once, stacks }: TopOptions): void {
  const places = new Places(now)
  const deadlocked = places.deadlocked()
  const shown = now.filter((report) => report.pid === pid)
  if (json) {
    const ids = deadlocked.map(({ pid, thread }) => ({ pid, thread }))
    process.stdout.write(`${JSON.stringify({ threads: shown, deadlocked: ids })}\n`)
    return
  }
  const lines = shown.flatMap((report) => {
    const past = before.find(({ pid, thread }) => pid === report.pid && thread === report.thread)
    return [title(report), ...table(report, past, places, stacks), '']
  })
  if (deadlocked.length > 0) lines.push(deadlockText(deadlocked), '')
  process.stdout.write(`${process.stdout.isTTY && !once ? CLEAR : ''}${lines.join('\n')}`)
}

function ended(pid: number): number {
  process.stderr.write(`process ${pid} has ended, or does not answer any more\n`)
  return 0
}

function notAnswered(pid: number): number {
  process.stderr.write(
    `process ${pid} does not answer. It must run as your user and have loaded wormhole-ipc/top: start it with node --import wormhole-ipc/top, or set NODE_OPTIONS='--import wormhole-ipc/top'\n`
  )
  return NOT_ANSWERED
}
