import { execFileSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { median, quantileSorted } from 'simple-statistics'

/** What a row says of one variant: times in nanoseconds. `ratio` is how many times the first variant takes as long. */
function summarise({ name, samples }, first, bytes) {
  const sorted = [...samples].sort((left, right) => left - right)
  const middle = median(sorted)
  return {
    name,
    perMessage: middle,
    perByte: middle / bytes,
    low: quantileSorted(sorted, 0.1),
    high: quantileSorted(sorted, 0.9),
    // Of neighbours in time, so that what slows the machine for a while slows both.
    ratio: median(samples.map((sample, run) => first.samples[run] / sample)),
  }
}

function summaries({ bytes, variants }) {
  return variants.map((variant) => summarise(variant, variants[0], bytes))
}

function countRuns(rows) {
  return rows[0].variants[0].samples.length
}

/** The table as text. */
export function table(rows) {
  const lines = [
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${countRuns(rows)} runs in turn: median (10 % to 90 %)`,
    '',
    line('operation', 'bytes', 'form', 'ns/message', '', 'ns/byte', 'gain'),
  ]
  for (const row of rows) {
    lines.push('')
    for (const { name, perMessage, perByte, low, high, ratio } of summaries(row)) {
      const spread = `(${figure(low)} to ${figure(high)})`
      const gain = `${ratio.toFixed(2)}x`
      lines.push(line(row.operation, `${row.bytes}`, name, figure(perMessage), spread, perByte.toFixed(3), gain))
    }
  }
  lines.push('', 'gain: how many times as fast as TypeScript, by the median of the ratios within each run')
  return lines.join('\n')
}

function line(operation, bytes, name, time, spread, perByte, gain) {
  const left = `${operation.padEnd(22)} ${bytes.padStart(6)}  ${name.padEnd(11)}`
  return `${left} ${time.padStart(10)} ${spread.padEnd(24)} ${perByte.padStart(8)} ${gain.padStart(7)}`.trimEnd()
}

function figure(nanoseconds) {
  return nanoseconds < 1000 ? nanoseconds.toFixed(1) : Math.round(nanoseconds).toLocaleString('en-US')
}

/** Everything that was measured, and where. */
export function record(rows, packetBytes) {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
    kernel: release(),
    runs: countRuns(rows),
    packetBytes,
    rows: rows.map((row) => ({ ...row, summaries: summaries(row) })),
  }
}

/** The commit of the code, null outside a repository. */
function commit() {
  const options = { cwd: new URL('.', import.meta.url), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], options).trim()
  } catch {
    return null
  }
}
