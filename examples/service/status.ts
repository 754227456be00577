import type { FastifyError } from 'fastify'
import { PoolError, type PoolErrorCode } from './pool-error.js'

/** The client has gone away: it gets no answer. For the metrics, with the number that nginx has for it. */
export const CLIENT_GONE = 499

const STATUS: Record<PoolErrorCode, number> = { FULL: 503, CLOSED: 503, LOST: 500, FAILED: 500 }

/** The HTTP status of an answer to a request that failed. */
export function statusOf(error: FastifyError | PoolError): number {
  if (error instanceof PoolError) return STATUS[error.code]
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') return 504
  if (error.name === 'AbortError') return CLIENT_GONE
  return error.statusCode ?? 500
}
