/** Whether a promise has been settled by now. */
export function watch(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false }
  const settle = () => {
    state.settled = true
  }
  promise.then(settle, settle)
  return state
}
