import type { WormholeError } from 'wormhole-ipc'

/** How a call failed, as one process tells another. */
export interface Failure {
  code: string
  errno: number | undefined
  syscall: string | undefined
  message: string
}

export function failureOf({ code, errno, syscall, message }: WormholeError): Failure {
  return { code, errno, syscall, message }
}
