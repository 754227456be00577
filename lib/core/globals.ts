/**
 * What this library calls of Node's globals, as it was when this was imported: what is put in its place later, such as the
 * fake timers of a test runner, does not reach what goes on between processes.
 */
export const { AbortController, Buffer, Promise } = globalThis
export const { emitWarning } = process
export const getBuiltinModule: typeof process.getBuiltinModule = process.getBuiltinModule
const timers = getBuiltinModule('node:timers')
export const queueMicrotask = original(globalThis, 'queueMicrotask')
export const hrtime = original(process, 'hrtime')
export const nextTick = original(process, 'nextTick')
export const clearTimeout = original(timers, 'clearTimeout')
export const setImmediate = original(timers, 'setImmediate')
export const setTimeout = original(timers, 'setTimeout')

/**
 * Fake timers may have been there first (Jest's `enableGlobally`, a setup file). Those of Jest, Vitest and sinon are one
 * package's, @sinonjs/fake-timers, whose clock keeps what it stands in for under the name with an underscore.
 */
function original<Holder, Name extends keyof Holder & string>(holder: Holder, name: Name): Holder[Name] {
  const { clock } = holder[name] as { clock?: Record<string, unknown> }
  const kept = clock?.[`_${name}`]
  return typeof kept === 'function' ? (kept as Holder[Name]) : holder[name]
}
