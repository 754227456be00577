/** The client has gone away: it gets no answer. For the metrics, with the number that nginx has for it. */
export const CLIENT_GONE = 499

const STATUS: Partial<Record<string, number>> = {
  // As many requests wait as may, or the service stops.
  ERR_WORMHOLE_BUSY: 503,
  ERR_WORMHOLE_CLOSED: 503,
  FST_ERR_HANDLER_TIMEOUT: 504,
}

/** The HTTP status of an answer to a request that failed. */
export function statusOf(error: { name: string; code: string; statusCode?: number }): number {
  if (error.name === 'AbortError') return CLIENT_GONE
  return STATUS[error.code] ?? error.statusCode ?? 500
}
