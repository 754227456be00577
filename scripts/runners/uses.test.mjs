// Makes each use a test of the runner that runs this. FAKES names the fake timers, which are installed once the library
// is imported, or before (EARLY). RESET: each test uses a new copy of the library too.
const { FAKES, EARLY, RESET } = process.env
const MAX_MS = 60_000

const define = globalThis.test ?? globalThis.it ?? (await import('node:test')).test

/** Installs the fake timers; returns what removes them. Sinon's leave nextTick to Node, whose streams need it. */
async function fake() {
  if (FAKES === 'vitest') {
    const { vi } = await import('vitest')
    vi.useFakeTimers()
    return () => vi.useRealTimers()
  }
  if (FAKES === 'jest' || FAKES === 'legacy') {
    const { jest } = await import('@jest/globals')
    jest.useFakeTimers({ legacyFakeTimers: FAKES === 'legacy' })
    return () => jest.useRealTimers()
  }
  if (FAKES === 'sinon') {
    const { default: sinon } = await import('sinon')
    const clock = sinon.useFakeTimers({ toNotFake: ['nextTick'] })
    return () => clock.restore()
  }
  if (FAKES === 'node:test') {
    const { mock } = await import('node:test')
    mock.timers.enable()
    return () => mock.timers.reset()
  }
  return () => undefined
}

async function reset() {
  const { jest } = await import('@jest/globals')
  jest.resetModules()
}

const restore = EARLY ? await fake() : () => undefined
const { load, uses } = await import('../uses.js')
const first = await load()
restore()

for (const [name, use] of Object.entries(uses)) {
  const run = async () => {
    if (RESET) await reset()
    const copies = RESET ? [await load(), first] : [first]
    const stop = await fake()
    try {
      for (const copy of copies) await use(copy)
    } finally {
      stop()
    }
  }
  // Mocha gets the timeout on its command line.
  if (globalThis.it !== undefined && globalThis.test === undefined) define(name, run)
  else if (globalThis.test !== undefined) define(name, run, MAX_MS)
  else define(name, { timeout: MAX_MS }, run)
}
