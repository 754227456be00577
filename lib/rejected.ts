/** A rejection that its caller may leave unseen: an error belongs to whoever looks, never to the process. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => undefined)
  return promise
}
