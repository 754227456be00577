import { createHash } from 'node:crypto'

/** One piece of work: a document, made from its seed, and how often to hash it. */
export interface Job {
  name: string
  seed: number
  rounds: number
}

/** What a worker sends when a job is finished. */
export interface Result {
  name: string
  digest: string
}

const WORDS = ['packet', 'kernel', 'socket', 'worker', 'channel', 'message', 'process', 'descriptor']
const DOCUMENT_WORDS = 64

export function finish({ name, seed, rounds }: Job): Result {
  let text = Array.from({ length: DOCUMENT_WORDS }, (_, index) => WORDS[(seed * (index + 1)) % 8]).join(' ') + seed
  for (let round = 0; round < rounds; round++) text = createHash('sha256').update(text).digest('hex')
  return { name, digest: text }
}
