// How much a peer without a limit of its own may have under way.

const MAX_MESSAGES = 1024
const MAX_BYTES = 64 * 1024 * 1024

/**
 * @param {{ bytes?: number }} job
 * @returns {number} how many messages may be under way, an even number
 */
export function windowOf({ bytes = 1 }) {
  return Math.max(2, Math.min(MAX_MESSAGES, 2 * Math.floor(MAX_BYTES / bytes / 2)))
}
