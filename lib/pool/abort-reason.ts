import { say } from '../core/describe.js'

/** An abort's reason as a process is told of it, whatever it is. */
export function reasonFor(reason: unknown): { reason: string; name: string } {
  try {
    const { name = 'AbortError', message = say(reason) } = (reason ?? {}) as { name?: unknown; message?: unknown }
    return { reason: say(message), name: say(name) }
  } catch {
    return { reason: say(reason), name: 'AbortError' }
  }
}
