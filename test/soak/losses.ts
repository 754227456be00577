import { BATCH_UNITS, FEW_MESSAGES } from '#lib/send/packet-limits'
import { HEADER_BYTES } from '#lib/wire/wasm'
import { fdCount, isLong, makeMessage } from './message.js'
import type { Sent } from './sent.js'

/** Messages of one sender that may have shared a packet. */
export interface Packet {
  sent: Sent
  first: number
  count: number
}

/** Units of a packet that nobody shares. */
const ALONE = Number.POSITIVE_INFINITY

/** The fewest packets that can have held these messages of one sender; `numbers` ascend. */
export function packetsOf(sent: Sent, numbers: readonly number[]): Packet[] {
  const packets: Packet[] = []
  let units = 0
  for (const number of numbers) {
    const size = sizeOf(sent, number)
    const last = packets.at(-1)
    const fits =
      units + size <= BATCH_UNITS || (last !== undefined && last.count < FEW_MESSAGES && units + size < ALONE)
    if (last !== undefined && number === last.first + last.count && fits) {
      last.count++
      units += size
    } else {
      packets.push({ sent, first: number, count: 1 })
      units = size
    }
  }
  return packets
}

/** Units of a packet that a message takes; one that goes alone takes them all. */
function sizeOf({ about: { id }, lane, shape }: Sent, number: number): number {
  if (!lane.coalesce || isLong(shape, id, number) || fdCount(shape, id, number) > 0) return ALONE
  return JSON.stringify(makeMessage(shape, id, number)).length + HEADER_BYTES
}

/** A receiver that was killed. It may have had one packet in its hands for each of its ends. */
export interface Killed {
  /** The highest number that it has noted of each sender. */
  readonly last: ReadonlyMap<number, number>
}

/**
 * The packets that were in nobody's hands: those left over when as many as possible are given to killed
 * receivers, at most one to each, none to one that has noted a later message of the same sender (a maximum
 * matching, by augmenting paths).
 */
export function unexplained(packets: readonly Packet[], killed: readonly Killed[]): Packet[] {
  const holds = new Map<Killed, Packet>()
  const place = (packet: Packet, asked: Set<Killed>): boolean => {
    for (const receiver of killed) {
      if (asked.has(receiver) || (receiver.last.get(packet.sent.about.id) ?? -1) >= packet.first) continue
      asked.add(receiver)
      const other = holds.get(receiver)
      if (other !== undefined && !place(other, asked)) continue
      holds.set(receiver, packet)
      return true
    }
    return false
  }
  return packets.filter((packet) => !place(packet, new Set()))
}
