import { closeSync, openSync } from 'node:fs'
import fc from 'fast-check'
import type { WormholeErrorCode } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import type { BarePeer } from './bare-peer.js'
import { rawPair, rawSend } from './raw.js'
import { decodePacket, decodePayload, frame, frames, HEADER_BYTES, type Outcome } from './reference-framer.js'
import { illFormed, wellFormed } from './utf8.js'

/** An act of a peer on an otherwise idle receiver, and what docs/wire.md promises for it. */
export interface Attack {
  /** The name in a failed test's message. */
  what: string
  write(peer: BarePeer): void
  expected: readonly [outcome: Outcome, fds: number][]
}

/** A descriptor that is there to be sent. */
const STDERR = 2

function malformed(): Outcome {
  return { code: 'ERR_WORMHOLE_MALFORMED', received: undefined }
}

/** Lengths for a header: those where numbers of some size end, small ones, and any. */
export const lengths = fc.oneof(
  fc.constantFrom(0n, 1n, 8n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n, 2n ** 53n + 1n),
  fc.constantFrom(2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 400n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
)

/** JSON, parts that are JSON only together, bytes that are not text, and lengths around a limit of 300. */
export const payload = fc.oneof(
  { weight: 4, arbitrary: fc.json({ maxDepth: 3, stringUnit: 'binary' }).map((json) => Buffer.from(json)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      '[1',
      '2]',
      '1],[2',
      '"a',
      'b"',
      ',',
      '1,2',
      '{"a":1',
      '"b":2}',
      '\\"',
      '\ufeff1',
      '\0'
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...wellFormed, ...illFormed) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 290, max: 310 }).map((length) => '1'.repeat(length)) }
)

const packet = fc.oneof(
  { weight: 4, arbitrary: fc.array(payload, { maxLength: 6 }).map(frames) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: HEADER_BYTES - 1 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  // A wrong length, with sound frames before it and anything after.
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(payload, { maxLength: 3 }), lengths, payload)
      .map(([before, length, bytes]) => Buffer.concat([frames(before), frame(bytes, length)])),
  },
  // Cut off, or with something after it.
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(payload, { minLength: 1, maxLength: 3 }).map(frames), fc.nat(20))
      .map(([bytes, missing]) => bytes.subarray(0, Math.max(0, bytes.length - missing))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(payload, { maxLength: 3 }).map(frames), fc.uint8Array({ maxLength: 12 }))
      .map((pieces) => Buffer.concat(pieces)),
  }
)

const descriptors = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(socket.SCM_MAX_FD) }
)

/** A packet of any bytes, with any descriptors except streams. */
function bytes(limit: number): fc.Arbitrary<Attack> {
  return fc.tuple(packet, descriptors).map(([packet, count]) => ({
    what: `${JSON.stringify(packet.toString('latin1'))} with ${count} descriptors`,
    write: (peer) => {
      peer.write(packet, Array<number>(count).fill(STDERR))
    },
    expected: outcomesOf(packet, limit, count),
  }))
}

function outcomesOf(packet: Buffer, limit: number, count: number): [Outcome, number][] {
  const { outcomes, rest, declared } = decodePacket(packet, limit)
  if (rest.length > 0) {
    const bare = packet.length === HEADER_BYTES
    const tooLarge = declared !== undefined && declared > BigInt(limit) && !bare
    outcomes.push(tooLarge ? { code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined } : malformed())
  }
  // They belong to the last frame, and are closed with it when it fails.
  return outcomes.map((outcome, index) => [outcome, index === outcomes.length - 1 && 'value' in outcome ? count : 0])
}

/** A header whose message should follow over a side stream, which carries other bytes. */
function aside(limit: number): fc.Arbitrary<Attack> {
  const length = fc.oneof(
    fc.bigInt({ min: 1n, max: BigInt(limit) }),
    lengths.map((any) => any || 1n)
  )
  return fc
    .tuple(length, payload, fc.boolean(), fc.integer({ min: 0, max: 3 }))
    .map(([length, brought, exact, count]) => {
      const bytes = Buffer.from(brought)
      const declared = exact && bytes.length > 0 ? BigInt(bytes.length) : length
      return {
        what: `${declared} bytes aside, of which come ${bytes.length}, with ${count} descriptors`,
        write: (peer) => {
          const [writing, reading] = rawPair(socket.SOCK_STREAM)
          if (bytes.length > 0) rawSend(writing, bytes)
          peer.write(frame('', declared), [...Array<number>(count).fill(STDERR), reading])
          closeSync(reading)
          closeSync(writing)
        },
        expected: [asideOutcome(bytes, declared, limit, count)],
      }
    })
}

function asideOutcome(bytes: Buffer, declared: bigint, limit: number, count: number): [Outcome, number] {
  const failed = (code: WormholeErrorCode): [Outcome, number] => [{ code, received: undefined }, 0]
  if (declared > BigInt(limit)) return failed('ERR_WORMHOLE_TOO_LARGE')
  if (BigInt(bytes.length) < declared) return failed('ERR_WORMHOLE_TRUNCATED')
  const outcome = decodePayload(bytes.subarray(0, Number(declared)))
  return [outcome, 'value' in outcome ? count : 0]
}

/** A header whose last descriptor is no stream. */
function noStream(): fc.Arbitrary<Attack> {
  const make = fc.constantFrom(
    () => [openSync('/dev/zero', 'r')],
    () => rawPair(socket.SOCK_SEQPACKET),
    () => rawPair(socket.SOCK_DGRAM)
  )
  return fc.tuple(lengths, make).map(([length, make]) => ({
    what: `${length} bytes over what is no stream`,
    write: (peer) => {
      const made = make()
      peer.write(frame('', length || 1n), made)
      for (const fd of made) closeSync(fd)
    },
    expected: [[malformed(), 0]],
  }))
}

export function attack(limit: number): fc.Arbitrary<Attack> {
  return fc.oneof(
    { weight: 6, arbitrary: bytes(limit) },
    { weight: 2, arbitrary: aside(limit) },
    { weight: 1, arbitrary: noStream() }
  )
}
