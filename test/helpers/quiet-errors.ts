/** In a `describe`: most of what its tests read fails by design, and stack traces would take most of the time. */
export function quietErrors(): void {
  const { stackTraceLimit } = Error
  before(() => {
    Error.stackTraceLimit = 0
  })
  after(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
}
