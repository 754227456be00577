import { WormholeError } from './errors.js'

const { existsSync } = process.getBuiltinModule('node:fs')
const { dirname, join } = process.getBuiltinModule('node:path')
const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url')

/** Where this code runs from. A bundler that makes CommonJS leaves no `import.meta.url`, and has `__filename` instead. */
const here = import.meta.url ?? pathToFileURL(__filename).href

const WASM = 'dist/wormhole.wasm'

/** The folder of this package, whose files the code cannot carry along when a bundler moves it. */
const folder = find()

/** The WebAssembly module. */
export const wasmFile = join(folder, WASM)

/** What a child of `forkAndRun` starts with. */
export const runnerFile = join(folder, 'dist/runner.js')

/** What a pool's processes start with. */
export const poolWorkerFile = join(folder, 'dist/pool/worker.js')

/** The child of the doctor's self-test. */
export const doctorPeerFile = join(folder, 'dist/doctor/peer.js')

/** Loads the addon that fits this system. */
export function loadAddon(): unknown {
  const file = packedAddon()
  if (file !== undefined) {
    const module = { exports: {} }
    try {
      process.dlopen(module, file)
      return module.exports
    } catch {
      // node-gyp-build may know another; or its error tells why there is none.
    }
  }
  return requireFrom(join(folder, 'package.json'))('node-gyp-build')(folder)
}

/**
 * The file that node-gyp-build would choose where nobody has built an addon here or asked for another one: asking
 * it takes two milliseconds of a program's start.
 */
function packedAddon(): string | undefined {
  const { LIBC, WORMHOLE_IPC_PREBUILD } = process.env
  if (WORMHOLE_IPC_PREBUILD !== undefined || existsSync(join(folder, 'build'))) return undefined
  const libc = LIBC ?? (existsSync('/etc/alpine-release') ? 'musl' : 'glibc')
  const file = join(folder, 'prebuilds', `linux-${process.arch}`, `wormhole-ipc.${libc}.node`)
  return existsSync(file) ? file : undefined
}

function requireFrom(file: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(file)
}

function find(): string {
  const beside = dirname(dirname(fileURLToPath(here)))
  if (existsSync(join(beside, WASM))) return beside
  try {
    return dirname(requireFrom(here).resolve('wormhole-ipc/package.json'))
  } catch (cause) {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      'wormhole-ipc was bundled away from its addon and its WebAssembly: leave it in node_modules, where it finds them',
      { cause }
    )
  }
}
