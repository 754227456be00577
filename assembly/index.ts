// The ABI: all that JavaScript sees. The module imports only its memory, so no call re-enters; every result is a number.

export { allocate, consume, grow, release } from './buffer'
export { frameSize, mergedAscii, mergeFrames, walkFrames } from './decode'
export { sealFrames, writeHeader } from './encode'
export {
  CUT_FRAME,
  CUT_HEADER,
  HEADER_BYTES,
  INBOX_BYTES,
  OUTBOX_BYTES,
  OVER_LIMIT,
  PLACEHOLDER,
  REASSEMBLY_BYTES,
  SLACK_BYTES,
  WALKED_BYTES,
  WHOLE,
} from './layout'
export { allAscii } from './skeleton'
export { widen } from './utf8'
