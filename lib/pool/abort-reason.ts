import { say } from '../core/describe.js'

/** Makes an abort's reason, of any kind, into what a process is sent of it. */
export function reasonFor(reason: unknown): { reason: string; name: string } {
  try {
    const { name = 'AbortError', message = say(reason) } = (reason ?? {}) as { name?: unknown; message?: unknown }
    return { reason: say(message), name: say(name) }
  } catch {
    return { reason: say(reason), name: 'AbortError' }
  }
}
