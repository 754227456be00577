/** What a client asks of the store. With each request comes a sender for its answer. */
export type Request = { set: string; value: string } | { get: string }

/** The value; or that the store ended before there was one. */
export type Answer = { value: string } | { ended: true }
