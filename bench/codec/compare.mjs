#!/usr/bin/env node
// The codec in plain TypeScript, in WASM and in WASM with SIMD: one process, in turn, again and again.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SingleBar } from 'cli-progress'
import { record, table } from './report.mjs'
import { makeVariants } from './variants.mjs'
import { AREA_BYTES, areaBytes, subjects, workloads } from './workloads.mjs'

const HELP = `usage: node bench/codec/compare.mjs [--runs 75] [--packet 16384] [--json FILE]

  --runs N      samples of each row, at least 3; one before them is not counted. Without this: 75, or fewer
                where the machine is so busy that they would take longer than a minute
  --packet B    bytes that share a packet, as the library fills them; a longer message has one of its own
  --json FILE   writes every sample, in ns per message, and the machine
  --help

encode, decode            with JSON.stringify and JSON.parse, as a program pays for them; the forms without SIMD in
                          the way that is fastest for them, which is not always the library's
... framing alone         the same work in all forms: lengths over placeholders; a packet made one array's text
wide                      decode, of messages in Chinese, Japanese and German: UTF-8 read by Node's own toString, or
                          widened by the form to UTF-16, as the library has it before Node 24
wide text                 of that, only the packet as one string
`

const DEFAULT_RUNS = 75
const FEWEST_RUNS = 3
/** Since the program started, when nobody has said how many runs there shall be. */
const MAX_MS = 45_000

function fail(message) {
  console.error(`compare: ${message}`)
  process.exit(2)
}

function readArguments() {
  const text = { type: 'string' }
  const options = { runs: text, packet: text, json: text, help: { type: 'boolean', short: 'h' } }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail(error.message)
  }
}

function wholeNumber(name, text, least, most) {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  return fail(`--${name} takes a whole number from ${least} to ${most}, not '${text}'`)
}

const values = readArguments()
if (values.help) {
  process.stdout.write(HELP)
} else {
  const runs = values.runs === undefined ? DEFAULT_RUNS : wholeNumber('runs', values.runs, FEWEST_RUNS, 10_000)
  const packetBytes = wholeNumber('packet', values.packet ?? '16384', 1, AREA_BYTES)
  const rows = await measure(runs, values.runs === undefined ? MAX_MS : Number.POSITIVE_INFINITY, packetBytes)
  console.log(table(rows))
  if (values.json !== undefined) {
    try {
      writeFileSync(values.json, `${JSON.stringify(record(rows, packetBytes), null, 2)}\n`)
    } catch (error) {
      fail(`cannot write ${values.json}: ${error.message}`)
    }
  }
}

/**
 * Rows of one operation on one size, with the samples of every variant in ns per message: `runs` of them, fewer when
 * the program is `mostMs` old by then.
 */
async function measure(runs, mostMs, packetBytes) {
  const variants = await makeVariants(areaBytes(Math.max(...subjects.map(({ bytes }) => bytes))))
  const rows = []
  for (const subject of subjects) {
    const each = await Promise.all(variants.map((variant) => workloads(variant, subject, packetBytes)))
    for (const operation of subject.operations) {
      const timed = variants.map(({ name }, index) => ({
        name,
        messages: each[index].messages,
        ...each[index].operations[operation],
        samples: [],
      }))
      rows.push({ operation, bytes: subject.bytes, timed })
    }
  }
  const bar = new SingleBar({ format: '{bar} {percentage} %  {eta} s left', clearOnComplete: true, noTTYOutput: false })
  bar.start((runs + 1) * rows.length, 0)
  for (let run = 0; run <= runs && (run <= FEWEST_RUNS || performance.now() < mostMs); run++) {
    for (const { timed } of rows) {
      for (const [index] of timed.entries()) {
        // Who goes first changes from run to run.
        const { prepare, run: operate, messages, samples } = timed[(index + run) % timed.length]
        prepare()
        const start = performance.now()
        operate()
        const nanoseconds = (performance.now() - start) * 1e6
        if (run > 0) samples.push(nanoseconds / messages)
      }
      bar.increment()
    }
  }
  bar.stop()
  return rows.map(({ operation, bytes, timed }) => {
    return { operation, bytes, variants: timed.map(({ name, samples }) => ({ name, samples })) }
  })
}
