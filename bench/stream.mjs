#!/usr/bin/env node
// Streams the README's message from one process to another, through this library and through child_process IPC, in turn
// (A B A B), and prints the median rate of each, its spread, and their ratio. Machines differ: only the ratio travels.
import { fork as forkNode } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { fork, inherited } from 'wormhole-ipc/process'

const here = fileURLToPath(import.meta.url)
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    messages: { type: 'string', default: '2000000' },
    role: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) {
  console.log('usage: node bench/stream.mjs [--runs 5] [--messages 2000000]')
} else if (values.role === 'wormhole') {
  const { messages, counts } = inherited()
  let count = 0
  for await (const message of messages) count += message.c.length === 5 ? 1 : 0
  await counts.send(count)
} else if (values.role === 'child_process') {
  let count = 0
  process.on('message', (message) => {
    if (message.end) process.send(count, () => process.disconnect())
    else count += message.c.length === 5 ? 1 : 0
  })
} else {
  await compare(Number(values.runs), Number(values.messages))
}

function* source(count) {
  for (let index = 0; index < count; index++) yield { a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }
}

async function wormhole(count) {
  const [messages, received] = channel()
  const [counts, counted] = channel()
  const child = fork(here, ['--role', 'wormhole'], { channels: { messages: received, counts } })
  await messages.send({ c: [] })
  const start = performance.now()
  await messages.sendAll(source(count))
  messages.close()
  const seen = await counted.recv()
  const seconds = (performance.now() - start) / 1000
  counted.close()
  await once(child, 'exit')
  return check(seen, count, seconds)
}

async function childProcess(count) {
  const child = forkNode(here, ['--role', 'child_process'])
  await new Promise((resolve) => child.send({ c: [] }, resolve))
  const start = performance.now()
  for (const message of source(count)) {
    // Its documentation: false means that the backlog is too long; then wait for the callback.
    if (!child.send(message)) await new Promise((resolve) => child.send({ c: [] }, resolve))
  }
  child.send({ end: true })
  const [seen] = await once(child, 'message')
  const seconds = (performance.now() - start) / 1000
  await once(child, 'exit')
  return check(seen, count, seconds)
}

function check(seen, count, seconds) {
  if (seen !== count) throw new Error(`${seen} of ${count} messages arrived`)
  return count / seconds
}

async function compare(runs, count) {
  const peers = { 'wormhole-ipc': [], child_process: [] }
  const ratios = []
  for (let run = 0; run < runs; run++) {
    peers['wormhole-ipc'].push(await wormhole(count))
    peers.child_process.push(await childProcess(Math.ceil(count / 5)))
    ratios.push(peers['wormhole-ipc'].at(-1) / peers.child_process.at(-1))
  }
  console.log(`${count} messages of 45 bytes, sendAll to for await, ${runs} runs each in turn, Node ${process.version}`)
  for (const [name, rates] of Object.entries(peers)) {
    console.log(
      `${name.padEnd(14)} ${figure(median(rates))} messages/s   (${figure(Math.min(...rates))} to ${figure(Math.max(...rates))})`
    )
  }
  console.log(
    `ratio          ${median(ratios).toFixed(1)}x   (${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)})`
  )
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function figure(rate) {
  return Math.round(rate).toLocaleString('en-US').padStart(10)
}
