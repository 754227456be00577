import { createHash } from 'node:crypto'
import type { CallContext } from 'wormhole-ipc/pool'

/** How much is hashed between two reports. */
const REPORT_BYTES = 16 * 1024 * 1024

/** What the processes of the pool run: the SHA-256 of what is in a descriptor. */
export default async function sha256(_input: null, { fds: [file], signal, progress }: CallContext): Promise<string> {
  const hash = createHash('sha256')
  let [bytes, reported] = [0, 0]
  for await (const chunk of file!.readStream()) {
    // Leaving the loop closes the file.
    signal.throwIfAborted()
    hash.update(chunk)
    bytes += chunk.length
    if (bytes - reported < REPORT_BYTES) continue
    progress(bytes)
    reported = bytes
  }
  return hash.digest('hex')
}
