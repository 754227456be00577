/**
 * What this library calls of Node's globals, as it was when this was imported: what is put in its place later, such as the
 * fake timers of a test runner, does not reach what goes on between processes.
 */
export const { AbortController, Buffer, Promise, queueMicrotask } = globalThis
export const { emitWarning, hrtime, nextTick } = process
export const getBuiltinModule: typeof process.getBuiltinModule = process.getBuiltinModule
export const { clearTimeout, setImmediate, setTimeout } = getBuiltinModule('node:timers')
