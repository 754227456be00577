import { workerData } from 'node:worker_threads'
import { Receiver, Sender } from 'wormhole-ipc'

const lines = Receiver.fromFd<string>(workerData.lines)
const counts = Sender.fromFd<[word: string, count: number]>(workerData.counts)

const words = new Map<string, number>()
// Until the reading thread closes its end, or is gone.
for await (const line of lines) {
  for (const [word] of line.toLowerCase().matchAll(/\p{L}+/gu)) words.set(word, (words.get(word) ?? 0) + 1)
}
await counts.sendAll(words)
counts.close()
