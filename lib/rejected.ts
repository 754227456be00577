import { Promise } from './globals.js'

/** A promise whose rejection its caller may leave unseen: an error belongs to whoever looks, never to the process. */
export function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(ignore)
  return promise
}

export function rejected(error: unknown): Promise<never> {
  return quiet(Promise.reject(error))
}

function ignore(): void {}
