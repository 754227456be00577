import { toError } from '../core/carried-error.js'
import { errorCodes, WormholeError, type WormholeErrorCode } from '../core/errors.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { FdSource } from '../fd/transfer.js'
import { isLeftOut } from '../wire/json.js'
import type { Answer, Arrived } from './forms.js'
import { closeAll, closeMoved, WithFds } from './with-fds.js'

/** Makes the answers to send, and reads those that arrive. */

/** The outcome of a call or a job. */
export type Outcome = { output: unknown } | { error: unknown }

/** An answer and the descriptors to send with it. */
export interface Outgoing {
  form: Answer
  fds: readonly FdSource[] | undefined
}

/** Makes the answer for an output. @param what names what returned the output, for an error */
export function answerOf(id: number, what: string, output: unknown): Outgoing {
  const fds = output instanceof WithFds ? output.fds : undefined
  const value = output instanceof WithFds ? output.output : output
  if (isLeftOut(value)) {
    closeMoved(fds ?? [])
    const message = `the output of ${what} is a ${typeof value}, which JSON cannot carry`
    return { form: refusalOf(id, 'ERR_WORMHOLE_UNSERIALIZABLE', message), fds: undefined }
  }
  return {
    form: fds === undefined ? { answer: id, output: value } : { answer: id, output: value, fds: fds.length },
    fds,
  }
}

/** Makes the answer that replaces one that cannot be sent; closes the descriptors that it would have moved. */
export function unsendable({ form, fds }: Outgoing, what: string, error: unknown): Answer {
  closeMoved(fds ?? [])
  if (form.error !== undefined) {
    return refusalOf(form.answer, 'ERR_WORMHOLE_CALL_THREW', `${what} threw an error that cannot be sent: ${error}`)
  }
  const { code = 'ERR_WORMHOLE_UNSERIALIZABLE', message } = error as WormholeError
  return refusalOf(form.answer, code, `the output of ${what} cannot be sent: ${message}`)
}

export function refusalOf(id: number, code: string, message: string): Answer {
  return { answer: id, refused: { code, message } }
}

/** Reads an answer that arrived; closes descriptors without an output. @param what names the call, for an error */
export function outcomeOf(form: Arrived, fds: readonly OwnedFd[], what: () => string): Outcome {
  if (form.error === undefined && form.refused === undefined && form.fds !== undefined) {
    return { output: [form.output, [...fds]] }
  }
  closeAll(fds)
  if (form.refused !== undefined) return { error: refused(what(), form.refused) }
  if (form.error !== undefined) return { error: threw(what(), form.error) }
  return { output: form.output }
}

function threw(what: string, record: unknown): WormholeError {
  const cause = toError(record)
  return new WormholeError('ERR_WORMHOLE_CALL_THREW', `${what} threw: ${cause.message}`, { cause })
}

function refused(what: string, reason: unknown): WormholeError {
  const { code, message } = (reason ?? {}) as { code?: unknown; message?: unknown }
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code)
  return new WormholeError(
    known ? (code as WormholeErrorCode) : 'ERR_WORMHOLE_CALL_THREW',
    typeof message === 'string' ? message : `the other side did not run ${what}`
  )
}
