/** Why the pool has no result. */
export type PoolErrorCode =
  /** As many jobs wait as may: try again later. */
  | 'FULL'
  /** Every worker that had the job has died with it. */
  | 'LOST'
  /** The job itself failed, as it would again. */
  | 'FAILED'
  /** The pool is closed. */
  | 'CLOSED'

export class PoolError extends Error {
  override name = 'PoolError'
  readonly code: PoolErrorCode

  constructor(code: PoolErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
