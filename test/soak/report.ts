import { join } from 'node:path'
import type { Line } from './ledger.js'
import { type Incarnation, logOf, type Manifest } from './manifest.js'
import { MAX_GROWTH_KIB, MIN_SECONDS, type Sample, type Slope, slopeOf } from './memory.js'
import { kinds, readLog } from './record.js'
import { SUPERVISOR_LOG } from './run.js'

const KIB = 1024
/** Breaks that are told one by one. */
const MAX_TOLD = 20

/** The ledger as a table for people. */
export function printLedger(lines: ReadonlyMap<string, Line>): void {
  const row = ({ breaks, ...line }: Line) => ({
    resolved: line.resolved,
    received: line.received,
    'held by killed': line.held,
    'broken off': line.broken,
    'senders killed': line.sendersKilled,
    'receivers killed': line.receiversKilled,
    breaks: breaks.length,
  })
  const rows = Object.fromEntries([...lines].map(([lane, line]) => [lane, row(line)]))
  const total: Record<string, number> = {}
  for (const each of Object.values(rows)) {
    for (const [column, count] of Object.entries(each)) total[column] = (total[column] ?? 0) + count
  }
  console.table({ ...rows, 'in all': total })
  const breaks = [...lines.values()].flatMap((line) => line.breaks)
  for (const { lane, what, sender, number } of breaks.slice(0, MAX_TOLD)) {
    console.log(`${what}: lane '${lane}', sender ${sender}, message ${number}`)
  }
  if (breaks.length > MAX_TOLD) console.log(`and ${breaks.length - MAX_TOLD} more`)
}

/** Prints how memory went in all who lived long enough to tell, and says where it was not flat. */
export function printMemory(folder: string, { incarnations }: Manifest): string[] {
  const logs: [string, string][] = [['supervisor', join(folder, SUPERVISOR_LOG)]]
  for (const about of incarnations) logs.push([nameOf(about), logOf(folder, about.id)])
  const slopes = logs
    .map(([name, log]) => [name, slopeOf(samplesOf(log))] as const)
    .filter((pair): pair is [string, Slope] => pair[1] !== undefined)
  if (slopes.length === 0) {
    console.log(`Memory: nobody lived for ${MIN_SECONDS} s beyond the first third, so there is no slope to judge.`)
    return []
  }
  const rows = slopes.map(([name, { seconds, kibPerMinute, grownKib }]) => [
    name,
    {
      'measured, s': Math.round(seconds),
      'slope, KiB/min': Math.round(kibPerMinute),
      'makes, MiB': Number((grownKib / KIB).toFixed(1)),
    },
  ])
  console.log('Resident memory by linear regression, of those who lived long enough:')
  console.table(Object.fromEntries(rows))
  return slopes
    .filter(([, { grownKib }]) => grownKib > MAX_GROWTH_KIB)
    .map(([name, { grownKib }]) => `the memory of ${name} grew by ${Math.round(grownKib / KIB)} MiB`)
}

function samplesOf(log: string): Sample[] {
  const samples: Sample[] = []
  readLog(log, ({ kind, first, count }) => {
    if (kind === kinds.memory) samples.push([first, count])
  })
  return samples
}

/** Descriptors that actors which came to their end left open. */
export function leaks(folder: string, { incarnations }: Manifest): string[] {
  const found: string[] = []
  for (const about of incarnations.filter(({ killed }) => !killed)) {
    readLog(logOf(folder, about.id), ({ kind, first, count }) => {
      if (kind === kinds.end && first > count) found.push(`${nameOf(about)} left ${first - count} descriptors open`)
    })
  }
  return found
}

function nameOf({ id, lane, does }: Incarnation): string {
  return `${lane}: ${'send' in does ? does.send : does.receive} (${id})`
}
