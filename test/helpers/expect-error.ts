import { expect } from 'chai'
import { WormholeError, type WormholeErrorCode } from 'wormhole-ipc'

/** Expects a synchronous throw of a WormholeError with this code; returns the error. */
export function throwsCode(operation: () => unknown, code: WormholeErrorCode): WormholeError {
  let thrown: unknown
  try {
    operation()
  } catch (error) {
    thrown = error
  }
  return check(thrown, code)
}

/** Expects a rejection (not a throw) with a WormholeError of this code; returns the error. */
export async function rejectsCode(promise: Promise<unknown>, code: WormholeErrorCode): Promise<WormholeError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error
  )
  return check(outcome, code)
}

function check(error: unknown, code: WormholeErrorCode): WormholeError {
  expect(error, `an error with code ${code}`).to.be.instanceOf(WormholeError)
  expect((error as WormholeError).code).to.equal(code)
  return error as WormholeError
}
