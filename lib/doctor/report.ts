import type { Installation, Part } from './installation.js'
import type { Limit } from './limits.js'
import type { Machine } from './machine.js'
import type { Rate, SelfTest } from './self-test.js'

/** Everything that the doctor found, as `--json` prints it. */
export interface Report {
  machine: Machine
  installation: Installation
  limits: Limit[]
  /** Null if there was none, or it failed. */
  selfTest: SelfTest | null
  /** What is broken; empty if everything works. */
  problems: string[]
}

const TITLE_WIDTH = 24

export function findings({ machine, installation, limits }: Omit<Report, 'selfTest' | 'problems'>): string {
  const { version, addon, wasm } = installation
  const libc = machine.glibc === null ? 'no glibc' : `glibc ${machine.glibc}`
  return [
    row('wormhole-ipc', version),
    row('platform', `${machine.platform} ${machine.arch}, ${libc}, ${machine.cpus} CPUs`),
    row('kernel', machine.kernel),
    row('Node.js', `${machine.node}, Node-API ${machine.napi}`),
    row('addon', partText(addon)),
    row('WASM', partText(wasm)),
    '',
    ...limits.flatMap(limitRows),
    '',
  ].join('\n')
}

export function results({ messageBytes, wormhole, processSend, ratio }: SelfTest): string {
  const [times, least, most] = [ratio.median, ratio.min, ratio.max].map((value) => value.toFixed(1))
  return [
    `Self-test, messages of ${messageBytes} bytes to a child process:`,
    row('wormhole-ipc', `${rateText(wormhole)}, ${times} times as many (${least} to ${most})`),
    row('process.send', rateText(processSend)),
    '',
  ].join('\n')
}

export function verdict(problems: readonly string[]): string {
  if (problems.length === 0) return 'It works.\n'
  return `Broken:\n${problems.map((problem) => `  ${problem}\n`).join('')}`
}

function row(title: string, text: string): string {
  return `${title.padEnd(TITLE_WIDTH)}${text}`
}

function partText({ file, bytes, error }: Part): string {
  if (error !== null) return 'not loaded (see below)'
  return file === null ? 'loaded, from an unknown file' : `${file} (${count(bytes)} bytes)`
}

function limitRows({ name, value, unit, advice }: Limit): string[] {
  const text = value === null ? 'no limit, or not known here' : `${count(value)} ${unit}`
  const first = row(name, advice === null ? text : `${text}: low`)
  return advice === null ? [first] : [first, row('', advice)]
}

function rateText({ perSecond }: Rate): string {
  return `${count(Math.round(perSecond))} a second`
}

function count(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en-US')
}
