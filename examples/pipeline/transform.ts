import { createHash } from 'node:crypto'
import type { Receiver, Sender } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { type Fields, type Line, reportPeak, untilNobodyTakes } from './records.js'

const [, , verbose, ...masked] = process.argv
const { lines, records } = inherited<{ lines: Receiver<Line>; records: Sender<Fields> }>()

function mask(record: Fields): Fields {
  for (const field of masked) {
    if (!Object.hasOwn(record, field)) continue
    record[field] = createHash('sha256').update(JSON.stringify(record[field])).digest('hex').slice(0, 16)
  }
  return record
}

async function* transform(): AsyncGenerator<Fields> {
  for await (const { number, text } of lines) {
    let record: unknown
    try {
      record = JSON.parse(text)
    } catch {}
    if (typeof record === 'object' && record !== null) yield mask(record as Fields)
    else {
      console.error(`pipeline: line ${number} is not a JSON object; it is left out`)
      process.exitCode = 1
    }
  }
}

await untilNobodyTakes(records.sendAll(transform()))
reportPeak('transform', verbose === 'true')
