// Each use as a test of whichever runner runs this, under its fake timers where FAKES names them: once the library is
// imported, or before (EARLY). RESET: with a copy of its own for each test, beside the first.
const { FAKES, EARLY, RESET } = process.env
const MOST_MS = 60_000

const define = globalThis.test ?? globalThis.it ?? (await import('node:test')).test

/** Installs the fake timers; returns what takes them out again. Those of sinon leave Node its nextTick, without which no stream goes on. */
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
  // Mocha has the time on its command line.
  if (globalThis.it !== undefined && globalThis.test === undefined) define(name, run)
  else if (globalThis.test !== undefined) define(name, run, MOST_MS)
  else define(name, { timeout: MOST_MS }, run)
}
