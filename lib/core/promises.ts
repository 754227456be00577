import { Promise } from './globals.js'

/** A promise whose rejection its caller may leave unseen: an error belongs to whoever looks, never to the process. */
export function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(ignore)
  return promise
}

/** The same, but for what the caller's own code has thrown: that is never quiet. */
export function quietBut<Value>(promise: Promise<Value>, loud: (error: unknown) => boolean): Promise<Value> {
  const result = new Promise<Value>((resolve, reject) => {
    promise.then(resolve, (error) => {
      if (!loud(error)) void quiet(result)
      reject(error)
    })
  })
  return result
}

/** Tells of what the caller's code has thrown where no promise is left to reject: as an unhandled rejection. */
export function tell(error: unknown): void {
  void Promise.reject(error)
}

export function rejected(error: unknown): Promise<never> {
  return quiet(Promise.reject(error))
}

function ignore(): void {}

/**
 * A value that comes later. Not a bare promise: the value itself may be one, or look like one, as a schema may give
 * back whatever it likes.
 */
export class Later<Value> {
  constructor(readonly promise: Promise<Value>) {}

  map<Other>(make: (value: Value) => Other, refused?: (error: unknown) => never): Later<Other> {
    return new Later(this.promise.then(make, refused))
  }
}
