/** In a `describe` most of whose reads fail by design: makes errors without stack traces, which would take longest. */
export function quietErrors(): void {
  const { stackTraceLimit } = Error
  before(() => {
    Error.stackTraceLimit = 0
  })
  after(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
}
