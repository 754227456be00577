#!/usr/bin/env node
import { installation, reasons } from './installation.js'
import { limits } from './limits.js'
import { machine } from './machine.js'
import { type Options, parse, UsageError, usage } from './options.js'
import { Progress } from './progress.js'
import { findings, type Report, results, verdict } from './report.js'

const BROKEN = 1
const WRONG_USAGE = 2

async function main(args: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = parse(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`wormhole-ipc: ${error.message}\n\n${usage}`)
    return WRONG_USAGE
  }
  if (options.command === 'doctor') return doctor(options.json, options.seconds)
  if (options.command === 'top') return (await import('./top.js')).top(options)
  process.stdout.write(usage)
  return 0
}

async function doctor(json: boolean, seconds: number): Promise<number> {
  const found = { machine: machine(), installation: await installation(), limits: limits() }
  const report: Report = { ...found, selfTest: null, problems: [] }
  const { addon, wasm } = found.installation
  const print = (text: string) => json || process.stdout.write(text)
  print(`${findings(found)}\n`)
  // Without the addon the WASM cannot be loaded: the addon's error is enough.
  const broken = addon.error ?? wasm.error
  if (broken !== null) report.problems.push(broken)
  else if (seconds > 0) await test(report, seconds)
  if (report.selfTest !== null) print(`${results(report.selfTest)}\n`)
  print(verdict(report.problems))
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return report.problems.length === 0 ? 0 : BROKEN
}

/** Imports the self-test only now: without the addon it cannot be loaded. */
async function test(report: Report, seconds: number): Promise<void> {
  const progress = new Progress(process.stderr)
  try {
    const { selfTest } = await import('./self-test.js')
    report.selfTest = await selfTest(seconds, (title, part) => progress.show(title, part))
  } catch (error) {
    report.problems.push(`the self-test failed: ${reasons(error)}`)
  } finally {
    progress.clear()
  }
}

// A reader that closes early (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
process.exitCode = await main(process.argv.slice(2))
