// The ABI: all that JavaScript sees. The module imports its memory and nothing else, so no call can
// re-enter; every answer is a number.

export {
  allocate,
  partialAppend,
  partialBlock,
  partialBlockBytes,
  partialCapacity,
  partialConsume,
  partialFree,
  partialIn,
  partialLength,
  partialNew,
  partialOutgrown,
  partialOutgrownBytes,
  partialReserve,
  release,
} from './buffer'
export { frameSize, mergedAscii, mergeFrames, walkFrames } from './decode'
export { sealFrames, writeHeader } from './encode'
export {
  CUT_FRAME,
  CUT_HEADER,
  HEADER_BYTES,
  INBOX_BYTES,
  MESSAGE_LIMIT,
  OUTBOX_BYTES,
  OVER_LIMIT,
  PARTIAL_BYTES,
  PLACEHOLDER,
  SLACK_BYTES,
  WALKED_BYTES,
  WHOLE,
} from './layout'
export { allAscii } from './skeleton'
export { widen } from './utf8'
