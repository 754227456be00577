// As uses.test.mjs, for what has require() alone, such as Jest with its default configuration.
const { load, uses } = require('../uses.cjs')

const MAX_MS = 60_000
const copy = load()
const define = globalThis.test ?? globalThis.it
for (const [name, use] of Object.entries(uses)) {
  const run = async () => use(await copy)
  // Mocha gets the timeout on its command line.
  if (define !== undefined) define(name, run, MAX_MS)
  else require('node:test').test(name, { timeout: MAX_MS }, run)
}
