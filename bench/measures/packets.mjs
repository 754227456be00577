/**
 * What one packet held, on average, in a round: what the kernel's limit is measured with.
 *
 * @param {import('../peers/driver.mjs').Counts | undefined} before counts at one end, where the peer has them
 * @param {import('../peers/driver.mjs').Counts | undefined} after
 */
export function packets(before, after) {
  if (before === undefined || after === undefined) return {}
  const count = after.packets - before.packets
  return {
    packetMessages: (after.messages - before.messages) / count,
    packetBytes: (after.bytes - before.bytes) / count,
  }
}
