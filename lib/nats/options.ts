import { argumentError } from '../core/errors.js'
import { type ChannelOptions, resolveOptions, type Settings } from '../core/options.js'

/**
 * How a remote channel, or one end of it, behaves.
 *
 * @example
 * import type { RemoteOptions } from 'wormhole-ipc/nats'
 *
 * const options: RemoteOptions<{ id: number }> = { capacity: 10_000, leaseMs: 60_000, replicas: 3 }
 */
export interface RemoteOptions<T = unknown> extends Pick<ChannelOptions<T>, 'coalesce' | 'maxMessageBytes' | 'schema'> {
  /**
   * The packets that the stream holds; `send` waits while it is full. An existing stream keeps its own unless this is given.
   * @default 1024
   */
  capacity?: number | undefined
  /** Packets that a receiver may have or have asked for. One: it asks for the next when it is done with the last. @default 1 */
  prefetch?: number | undefined
  /**
   * Milliseconds until a packet comes again if its receiver has died. All receivers of a channel share it: the last one that
   * is opened with this option sets it.
   * @default 30000
   */
  leaseMs?: number | undefined
  /** Servers of a cluster that keep a copy, from 1 to 5. An existing stream keeps its own unless this is given. @default 1 */
  replicas?: number | undefined
}

export interface RemoteSettings extends Settings {
  /** Undefined: what an existing stream has, or the default. */
  readonly capacity: number | undefined
  readonly replicas: number | undefined
  readonly leaseMs: number | undefined
  readonly prefetch: number
  /** Bytes of a packet of several messages at most. */
  readonly packetBytes: number
}

/** A longer packet is hardly faster. */
const MAX_PACKET_BYTES = 60 * 1024

export const DEFAULT_CAPACITY = 1024
export const DEFAULT_LEASE_MS = 30_000
export const DEFAULT_REPLICAS = 1
/** A shorter lease would be over before a renewal could reach the server. */
const MIN_LEASE_MS = 100
const MAX_LEASE_MS = 24 * 60 * 60 * 1000
const MAX_PREFETCH = 1000
/** The server's own limit. */
const MAX_REPLICAS = 5

/** What the headers of a packet may take of the server's `max_payload`. */
const HEADER_ROOM = 256

/** @param maxPayload the longest message that the server takes, in bytes */
export function remoteSettings(options: RemoteOptions | undefined, maxPayload: number): RemoteSettings {
  const settings = resolveOptions(options)
  const room = maxPayload - HEADER_ROOM
  if (options !== undefined && 'bufferBytes' in options) {
    throw argumentError('a remote channel has no bufferBytes: its capacity is in packets (the option capacity)')
  }
  const { capacity, prefetch, leaseMs, replicas } = options ?? {}
  return {
    ...settings,
    maxMessageBytes: messageLimit(options?.maxMessageBytes, room),
    capacity: whole('capacity', capacity, 1, Number.MAX_SAFE_INTEGER),
    replicas: whole('replicas', replicas, 1, MAX_REPLICAS),
    leaseMs: whole('leaseMs', leaseMs, MIN_LEASE_MS, MAX_LEASE_MS),
    prefetch: whole('prefetch', prefetch, 1, MAX_PREFETCH) ?? 1,
    packetBytes: Math.min(room, MAX_PACKET_BYTES),
  }
}

function messageLimit(asked: number | undefined, room: number): number {
  if (asked === undefined || asked <= room) return asked ?? room
  throw argumentError(
    `maxMessageBytes is ${asked}, and the server takes ${room} at most: raise max_payload in its configuration, or lower maxMessageBytes`
  )
}

function whole(name: string, value: unknown, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number
  throw argumentError(`${name} must be a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}`)
}
