// Compares wormhole-ipc/nats with the client that it uses, and with bullmq over Redis if that is there: the same messages, the
// servers on this machine, all in one run, turn about. docs/nats.md has the results.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsReceiver, natsSender } from '../../dist/nats.js'
import { fetch } from '../../scripts/nats-server.mjs'
import { cpuSeconds } from '../measures/cpu.mjs'

const usage = `Usage: node bench/nats/main.mjs [options]

  --rounds N        rounds of each row (default 7)
  --stream N        messages of a stream, of wormhole-ipc (default 100000; a tenth of it for the others)
  --awaited N       messages that are sent one by one (default 2000)
  --bullmq FOLDER   a folder whose node_modules has bullmq; redis-server must be in PATH
  --help            prints this`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    stream: { type: 'string', default: '100000' },
    awaited: { type: 'string', default: '2000' },
    bullmq: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const [rounds, stream, awaited] = [values.rounds, values.stream, values.awaited].map(Number)

const message = { a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }
const text = JSON.stringify(message)
/** What the raw client has under way at the same time. */
const PIPELINED = 256

const folder = mkdtempSync(join(tmpdir(), 'wormhole-nats-bench-'))
const children = []

/** Starts a server, and resolves to its port once its output matches. */
async function serve(program, args, ready) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
      if (ready.test(output)) child.emit('ready')
    })
  }
  await once(child, 'ready')
  return ready.exec(output)[1]
}

async function natsRows() {
  const program = fetch()
  if (program === undefined) throw new Error('there is no nats-server')
  const port = await serve(
    program,
    ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', folder],
    /connections on 127\.0\.0\.1:(\d+)[\s\S]*Server is ready/
  )
  const servers = `nats://127.0.0.1:${port}`
  const [near, far] = [await connect({ servers }), await connect({ servers })]
  const manager = await jetstreamManager(near)
  const limits = { retention: 'workqueue', storage: 'file', discard: 'new', max_msgs: 1_000_000 }
  await manager.streams.add({ name: 'raw', subjects: ['raw'], ...limits })
  await manager.consumers.add('raw', { durable_name: 'receivers', ack_policy: 'explicit' })
  const js = jetstream(near)
  const consumer = await jetstream(far).consumers.get('raw', 'receivers')
  const sender = await natsSender(near, 'stream')
  const receiver = await natsReceiver(far, 'stream')
  const loop = receiver[Symbol.asyncIterator]()
  const single = await natsSender(near, 'single', { capacity: 1_000_000 })
  return {
    stream: {
      'wormhole-ipc': [
        stream,
        async (count) => {
          const received = takeFrom(loop, count)
          await sender.sendAll(repeat(count))
          await received
        },
      ],
      'the raw client, pipelined': [
        stream / 10,
        async (count) => {
          const received = consumeRaw(consumer, count)
          const pending = []
          for (let n = 0; n < count; n++) {
            pending.push(js.publish('raw', text))
            if (pending.length >= PIPELINED) await pending.shift()
          }
          await Promise.all(pending)
          await received
        },
      ],
    },
    awaited: {
      'wormhole-ipc': [
        awaited,
        async (count) => {
          for (let n = 0; n < count; n++) await single.send(message)
        },
        () => manager.streams.purge('wh-single'),
      ],
      'the raw client': [
        awaited,
        async (count) => {
          for (let n = 0; n < count; n++) await js.publish('raw', JSON.stringify(message))
        },
        () => manager.streams.purge('raw'),
      ],
    },
    async close() {
      await receiver.close()
      await Promise.all([near.close(), far.close()])
    },
  }
}

async function bullmqRows(where) {
  const { Queue, Worker } = createRequire(join(where, 'index.js'))('bullmq')
  const path = join(folder, 'redis.sock')
  // Each write reaches the file, as the streams of NATS do, which neither waits for the disk.
  const args = [
    '--port',
    '0',
    '--unixsocket',
    path,
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
  ]
  await serve('redis-server', args, /([Rr]eady to accept connections)/)
  const connection = { path, maxRetriesPerRequest: null }
  const options = { connection, defaultJobOptions: { removeOnComplete: true } }
  const queue = new Queue('stream', options)
  const single = new Queue('single', options)
  let done = () => undefined
  const worker = new Worker('stream', async ({ data }) => done(data), { connection, concurrency: 100 })
  await worker.waitUntilReady()
  return {
    stream: {
      'bullmq, in bulks of 64': [
        stream / 10,
        async (count) => {
          const received = new Promise((resolve) => {
            let left = count
            done = () => --left === 0 && resolve()
          })
          for (let n = 0; n < count; n += 64) {
            const jobs = Array.from({ length: Math.min(64, count - n) }, () => ({ name: 'm', data: message }))
            await queue.addBulk(jobs)
          }
          await received
        },
      ],
    },
    awaited: {
      bullmq: [
        awaited,
        async (count) => {
          for (let n = 0; n < count; n++) await single.add('m', message)
        },
        () => single.obliterate({ force: true }),
      ],
    },
    async close() {
      await worker.close()
      await Promise.all([queue.close(), single.close()])
    },
  }
}

function* repeat(count) {
  for (let n = 0; n < count; n++) yield message
}

async function takeFrom(loop, count) {
  for (let n = 0; n < count; n++) await loop.next()
}

async function consumeRaw(consumer, count) {
  let left = count
  const messages = await consumer.consume({ max_messages: 1000 })
  for await (const each of messages) {
    each.json()
    each.ack()
    left--
    if (left === 0) break
  }
}

async function measure([count, run, clean]) {
  const [began, cpu] = [performance.now(), cpuSeconds()]
  await run(count)
  const result = { rate: (count * 1000) / (performance.now() - began), cpu: ((cpuSeconds() - cpu) * 1e6) / count }
  await clean?.()
  return result
}

function middle(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

function show(name, results, ours) {
  const rates = results.map(({ rate }) => rate)
  const ratios = rates.map((rate, round) => ours[round].rate / rate).sort((a, b) => a - b)
  const [low, mid, high] = [ratios[0], middle(ratios), ratios.at(-1)].map((ratio) => ratio.toFixed(2))
  const rate = Math.floor(middle(rates)).toLocaleString('en').padStart(9)
  const cpu = middle(results.map((result) => result.cpu))
    .toFixed(1)
    .padStart(7)
  console.log(`  ${name.padEnd(28)} ${rate}/s ${cpu} us of CPU   ${mid} (${low} to ${high})`)
}

try {
  const systems = [await natsRows(), ...(values.bullmq === undefined ? [] : [await bullmqRows(values.bullmq)])]
  console.log(
    `messages of ${text.length} bytes; load ${loadavg()[0].toFixed(1)}; Node ${process.version}; ${rounds} rounds`
  )
  console.log('medians; the servers’ CPU is counted; how many times as fast wormhole-ipc is, round by round')
  for (const what of ['stream', 'awaited']) {
    const rows = systems.flatMap((system) => Object.entries(system[what]))
    const results = new Map(rows.map(([name]) => [name, []]))
    for (const [, row] of rows) await measure(row)
    for (let round = 0; round < rounds; round++) {
      for (const [name, row] of rows) results.get(name).push(await measure(row))
    }
    console.log(`${what}:`)
    for (const [name, list] of results) show(name, list, results.get('wormhole-ipc'))
  }
  for (const system of systems) await system.close()
  console.log(`load ${loadavg()[0].toFixed(1)}`)
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
