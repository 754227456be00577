import type { EndReport, Report } from '../top/report.js'
import { isFull, type Place, type Places } from './blocked.js'

const head = ['END', 'FD', 'OTHER END', 'MSG/S', 'BYTES/S', 'QUEUED', 'WAITS', 'LONGEST', 'NOW']
/** Columns of text; the others are numbers. */
const LEFT = new Set([0, 2, 8])

/** Returns the lines that show a program's ends, with the rates since an earlier report of it. */
export function table(now: Report, before: Report | undefined, places: Places, stacks: boolean): string[] {
  const seconds = before === undefined ? 0 : (now.time - before.time) / 1000
  const earlier = new Map(before?.ends.map((end) => [key(end), end]))
  const rows = now.ends.map((end) => {
    const past = earlier.get(key(end))
    const rate = (field: 'messages' | 'bytes') =>
      seconds > 0 ? Math.round((end[field] - (past?.[field] ?? 0)) / seconds) : 0
    const others = places.others(end)
    return [
      end.name,
      String(end.fd),
      others.map(placeText).join(', ') || '-',
      number(rate('messages')),
      number(rate('bytes')),
      number(end.queued),
      number(end.waits),
      `${number(end.longestWait)} ms`,
      nowText(end, others),
    ]
  })
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? title.length))
  )
  const lines = [head, ...rows].map((row) => line(row, widths))
  if (!stacks) return lines
  return lines.flatMap((text, index) => [text, ...(index === 0 ? [] : madeAt(now.ends[index - 1] as EndReport))])
}

/** Returns a program's first line. */
export function title({ pid, thread, title, ends }: Report): string {
  const where = thread === 0 ? `process ${pid}` : `process ${pid}, thread ${thread}`
  return `${where}: ${title} (${ends.length} open end${ends.length === 1 ? '' : 's'})`
}

/** Returns the sentence for programs that wait for each other. */
export function deadlockText(programs: readonly Report[]): string {
  const names = programs.map(({ pid, thread }) => (thread === 0 ? String(pid) : `${pid}/${thread}`))
  if (names.length === 1) {
    return `Deadlock: process ${names[0]} waits for room in a channel that only it could read, and does not read it.`
  }
  return `Deadlock: the processes ${names.join(' and ')} wait for room in channels that only they could read, and do not read them.`
}

function madeAt({ madeAt }: EndReport): string[] {
  return madeAt.length === 0 ? ['    made at an unknown place'] : madeAt.map((frame) => `    at ${frame}`)
}

function nowText(end: EndReport, others: readonly Place[]): string {
  if (end.waiting < 0) return ''
  const time = `${(end.waiting / 1000).toFixed(1)} s`
  if (!isFull(end)) return `waits for a message, ${time}`
  return others.length === 0 ? `full, ${time}` : `full, ${time}: waits for ${others.map(placeText).join(', ')}`
}

function placeText({ program: { pid, thread }, end: { name, fd } }: Place): string {
  return `${pid}${thread === 0 ? '' : `/${thread}`} ${name} ${fd}`
}

function key({ name, fd, inode }: EndReport): string {
  return `${name} ${fd} ${inode}`
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function line(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) => {
    const width = widths[column] as number
    return LEFT.has(column) ? cell.padEnd(width) : cell.padStart(width)
  })
  return padded.join('  ').trimEnd()
}
