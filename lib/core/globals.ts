/**
 * Node's globals that this library calls, as they were at import: later replacements, such as a test runner's fake timers,
 * do not affect work between processes.
 */
export const { Buffer, Promise } = globalThis
export const { emitWarning } = process
export const getBuiltinModule: typeof process.getBuiltinModule = process.getBuiltinModule
const timers = getBuiltinModule('node:timers')
const util = getBuiltinModule('node:util')
export const queueMicrotask = original(globalThis, 'queueMicrotask')
export const hrtime = original(process, 'hrtime')
export const nextTick = original(process, 'nextTick')
export const clearTimeout = original(timers, 'clearTimeout')
export const setImmediate = original(timers, 'setImmediate')
export const setTimeout = original(timers, 'setTimeout')

/** Makes Node's own, as its global is loaded when it is read first, which takes a while: few programs need any. */
export const AbortController = makeAbortController as unknown as typeof globalThis.AbortController

function makeAbortController(): AbortController {
  return util.transferableAbortController()
}

/**
 * Looks below fake timers that were installed first (Jest's `enableGlobally`, a setup file). Jest, Vitest and sinon all use
 * @sinonjs/fake-timers, whose clock keeps the original under its name with an underscore.
 */
function original<Holder, Name extends keyof Holder & string>(holder: Holder, name: Name): Holder[Name] {
  const { clock } = holder[name] as { clock?: Record<string, unknown> }
  const kept = clock?.[`_${name}`]
  return typeof kept === 'function' ? (kept as Holder[Name]) : holder[name]
}
