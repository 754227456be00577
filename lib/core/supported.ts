import { WormholeError } from './errors.js'

// The first module of every entry: the others may use what is missing here. It uses nothing that Node 18 lacks.

function obstacle(): string | undefined {
  if (process.platform !== 'linux') {
    return `wormhole-ipc runs on Linux only (its channels are Linux socket pairs); this is ${process.platform}`
  }
  // Both load the addon and then crash, as they lack some calls of Node-API and libuv that it makes.
  const { bun, deno } = process.versions
  if (bun !== undefined || deno !== undefined) {
    return `wormhole-ipc runs on Node.js only (its addon polls descriptors with Node's event loop); this is ${bun === undefined ? `Deno ${deno}` : `Bun ${bun}`}`
  }
  if (typeof process.getBuiltinModule !== 'function') {
    return `wormhole-ipc needs Node.js 20.19 or later; this is ${process.version}: install a newer one`
  }
  if (typeof (globalThis as { WebAssembly?: unknown }).WebAssembly !== 'object') {
    return 'wormhole-ipc needs WebAssembly, which this process does not have: start Node.js without --jitless'
  }
  return undefined
}

const found = obstacle()
if (found !== undefined) throw new WormholeError('ERR_WORMHOLE_UNSUPPORTED', found)
