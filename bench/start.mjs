#!/usr/bin/env node
// What a child with two channels costs to start, beside one of child_process.fork, in turn; and what a row of forkAndRuns
// leaves behind.
import { fork as forkNode } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { fork, forkAndRun } from 'wormhole-ipc/process'

const here = fileURLToPath(import.meta.url)
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    row: { type: 'string', default: '1000' },
    help: { type: 'boolean', short: 'h' },
  },
})

export default function add(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

if (values.help) {
  console.log('usage: node bench/start.mjs [--runs 60] [--row 1000]')
} else if (process.send !== undefined) {
  process.exit()
} else if (process.argv[1] === here) {
  await starts(Number(values.runs))
  await row(Number(values.row))
}

async function starts(runs) {
  const plain = []
  const ours = []
  const ratios = []
  for (let run = 0; run < runs; run++) {
    plain.push(await timed(() => forkNode(here)))
    ours.push(
      await timed(() => {
        const [jobs, todo] = channel()
        const [done, results] = channel()
        const child = fork(here, { channels: { todo, done } })
        child.once('exit', () => {
          jobs.close()
          results.close()
        })
        return child
      })
    )
    ratios.push(ours.at(-1) / plain.at(-1))
  }
  console.log(`${runs} starts each in turn, from fork to exit, Node ${process.version}, milliseconds`)
  for (const [name, times] of Object.entries({ 'child_process.fork': plain, 'fork with two channels': ours })) {
    console.log(
      `${name.padEnd(22)} median ${median(times).toFixed(1)}   (${times[0] && Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)})`
    )
  }
  console.log(
    `median of the pairs' ratios ${median(ratios).toFixed(3)}; ratio of the medians ${(median(ours) / median(plain)).toFixed(3)}`
  )
}

async function timed(start) {
  const began = performance.now()
  await once(start(), 'exit')
  return performance.now() - began
}

async function row(count) {
  await forkAndRun(here, [1])
  for (let index = 0; index < count; index++) {
    if (index % Math.ceil(count / 5) === 0) report(index)
    if ((await forkAndRun(here, [index, 1])) !== index + 1) throw new Error('wrong result')
  }
  report(count)
}

function report(index) {
  const descriptors = readdirSync('/proc/self/fd').length - 1
  const rss = (process.memoryUsage().rss / 2 ** 20).toFixed(1)
  console.log(`after ${String(index).padStart(5)} forkAndRuns: ${descriptors} descriptors, ${rss} MiB resident`)
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
