import { native } from '#lib/os/addon'

/** The number of calls that moved bytes, and of bytes that they moved. */
export interface Calls {
  recvmsg: number
  received: number
  sendmsg: number
  sent: number
  /** The number of calls that began or ended the watch of a descriptor. */
  watches: number
}

/** Counts the calls of this thread while `operation` runs. */
export async function countCalls(operation: () => Promise<void>): Promise<Calls> {
  const calls: Calls = { recvmsg: 0, received: 0, sendmsg: 0, sent: 0, watches: 0 }
  const { recvmsg, sendmsg, watch, unwatch } = native
  native.recvmsg = (fd, offset, length, waits) => {
    const result = recvmsg(fd, offset, length, waits)
    calls.recvmsg++
    calls.received += Math.max(result, 0)
    return result
  }
  native.sendmsg = (fd, offset, length, descriptors) => {
    const result = sendmsg(fd, offset, length, descriptors)
    calls.sendmsg++
    calls.sent += Math.max(result, 0)
    return result
  }
  native.watch = (fd, events) => {
    calls.watches++
    return watch(fd, events)
  }
  native.unwatch = (fd) => {
    calls.watches++
    return unwatch(fd)
  }
  try {
    await operation()
  } finally {
    native.recvmsg = recvmsg
    native.sendmsg = sendmsg
    native.watch = watch
    native.unwatch = unwatch
  }
  return calls
}
