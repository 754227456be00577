import { CONTROL_FIRST, native } from './addon.js'

/** What the addon writes beside a result: msg_flags, the number of descriptors, and the descriptors. */
export const control = new Int32Array(
  new SharedArrayBuffer((CONTROL_FIRST + native.constants.SCM_MAX_FD) * Int32Array.BYTES_PER_ELEMENT)
)
