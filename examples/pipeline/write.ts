import { pipeline } from 'node:stream/promises'
import type { Receiver } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { type Fields, reportPeak } from './records.js'

const [, , verbose] = process.argv
const { records } = inherited<{ records: Receiver<Fields> }>()

/** One text for all the records that came together. */
async function* toText(batches: AsyncIterable<Fields[]>): AsyncGenerator<string> {
  for await (const batch of batches) yield batch.map((record) => `${JSON.stringify(record)}\n`).join('')
}

try {
  await pipeline(records.batches(), toText, process.stdout)
} catch (error) {
  // Whoever read the output wants no more of it.
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
}
reportPeak('write', verbose === 'true')
