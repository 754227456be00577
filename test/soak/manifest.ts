import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lane, Receiving, Sending } from './lanes.js'

/** One actor from its start to its end. */
export interface Incarnation {
  id: number
  lane: string
  /** Which channel of the lane a sender is on, or which of its byte streams, one after the other, both are on. */
  channel: number
  does: { send: Sending } | { receive: Receiving }
  killed: boolean
}

/** What the ledger has to know of a run beside the actors' logs. */
export interface Manifest {
  seed: number
  lanes: readonly Lane[]
  incarnations: readonly Incarnation[]
  /** Most bytes that die with the only receiver of a byte stream, beside the message that it has in part. */
  streamBytes: number
}

const NAME = 'manifest.json'

export function writeManifest(folder: string, manifest: Manifest): void {
  writeFileSync(join(folder, NAME), JSON.stringify(manifest))
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, NAME), 'utf8')) as Manifest
}

export function logOf(folder: string, id: number): string {
  return join(folder, `${id}.log`)
}
