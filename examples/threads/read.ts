import { open } from 'node:fs/promises'
import { workerData } from 'node:worker_threads'
import { Sender } from 'wormhole-ipc'

const sender = Sender.fromFd<string>(workerData.lines)

async function* lines(files: string[]): AsyncGenerator<string> {
  for (const file of files) yield* (await open(file)).readLines()
}

// The file is read only as fast as the other thread counts.
await sender.sendAll(lines(workerData.files))
sender.close()
