import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WormholeError } from './errors.js'

/** Where this code runs from. A bundler that makes CommonJS leaves no `import.meta.url`, and has `__filename` instead. */
const here = import.meta.url ?? pathToFileURL(__filename).href

/** CommonJS' require, from where this code is. */
const require = createRequire(here)

const WASM = 'dist/wormhole.wasm'

/** The folder of this package, whose files the code cannot carry along when a bundler moves it. */
const folder = find()

/** The WebAssembly module. */
export const wasmFile = join(folder, WASM)

/** What a child of `forkAndRun` starts with. */
export const runnerFile = join(folder, 'dist/runner.js')

/** The child of the doctor's self-test. */
export const doctorPeerFile = join(folder, 'dist/doctor/peer.js')

/** Loads the addon that fits this system. */
export function loadAddon(): unknown {
  return createRequire(join(folder, 'package.json'))('node-gyp-build')(folder)
}

/** A module of Node's that few programs need: loading it with ours would cost every start a millisecond or more. */
export function builtin(name: 'cluster'): typeof import('node:cluster').default
export function builtin(name: 'stream'): typeof import('node:stream')
export function builtin(name: string): unknown {
  return require(`node:${name}`)
}

function find(): string {
  const beside = dirname(dirname(fileURLToPath(here)))
  if (existsSync(join(beside, WASM))) return beside
  try {
    return dirname(require.resolve('wormhole-ipc/package.json'))
  } catch (cause) {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      'wormhole-ipc was bundled away from its addon and its WebAssembly: leave it in node_modules, where it finds them',
      { cause }
    )
  }
}
