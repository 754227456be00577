import { expect } from 'chai'

/** Resolves to the reason of a promise's rejection. */
export async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('was not rejected'),
    (reason: unknown) => reason
  )
}
