import { Promise } from './globals.js'

/** Marks a rejection as handled: the caller may ignore the promise, and the process never sees its error. */
export function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(ignore)
  return promise
}

/** Marks a rejection as handled unless `loud` says that user code threw the error: that is never quiet. */
export function quietBut<Value>(promise: Promise<Value>, loud: (error: unknown) => boolean): Promise<Value> {
  const result = new Promise<Value>((resolve, reject) => {
    promise.then(resolve, (error) => {
      if (!loud(error)) void quiet(result)
      reject(error)
    })
  })
  return result
}

/** Reports what user code threw as an unhandled rejection, if no promise is left to reject. */
export function tell(error: unknown): void {
  void Promise.reject(error)
}

export function rejected(error: unknown): Promise<never> {
  return quiet(Promise.reject(error))
}

function ignore(): void {}

/** A value that comes later. Not a bare promise: a schema may return a value that is a promise, or looks like one. */
export class Later<Value> {
  constructor(readonly promise: Promise<Value>) {}

  map<Other>(make: (value: Value) => Other, refused?: (error: unknown) => never): Later<Other> {
    return new Later(this.promise.then(make, refused))
  }
}
