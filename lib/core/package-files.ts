import { fileOfCaller } from './call-site.js'
import { WormholeError } from './errors.js'

const fs = process.getBuiltinModule('node:fs')
const { dirname } = process.getBuiltinModule('node:path')
const { fileURLToPath } = process.getBuiltinModule('node:url')

/** Makes the error for what cannot be loaded: with `message`, unless Node's own options refuse it. */
export function cannotLoad(message: string, cause: unknown): WormholeError {
  if (cause instanceof WormholeError) return cause
  return new WormholeError('ERR_WORMHOLE_UNSUPPORTED', refusal(cause) ?? message, { cause })
}

/** Loads a file of the package that few programs need, which the packed library does when they do. */
export function loadPart<Part>(load: () => Part): Part {
  try {
    return load()
  } catch (cause) {
    const { code, errno, syscall, message } = cause as NodeJS.ErrnoException
    if (errno === undefined) throw cannotLoad('wormhole-ipc cannot load a file of its package: install it again', cause)
    throw new WormholeError('ERR_WORMHOLE_SYSTEM', `a file of wormhole-ipc cannot be loaded (${code}): ${message}`, {
      errno,
      syscall,
      cause,
    })
  }
}

function refusal(cause: unknown): string | undefined {
  const { code, resource } = cause as NodeJS.ErrnoException & { resource?: string }
  if (code === 'ERR_DLOPEN_DISABLED') {
    return 'wormhole-ipc needs its addon, and this process may load none: start Node.js with --allow-addons beside --permission, and without --no-addons'
  }
  if (code !== 'ERR_ACCESS_DENIED') return undefined
  const what = resource ?? 'a file of the package'
  return `wormhole-ipc may not read ${what}: start Node.js with --allow-fs-read of the package (${folderOf()}) and of node_modules/node-gyp-build beside it`
}

/** What the names of the programs end in; packing sets it, as the package's other files are CommonJS. */
declare const PACKED_PROGRAM: string | undefined
const PROGRAM = typeof PACKED_PROGRAM === 'undefined' ? '.js' : PACKED_PROGRAM

/** The file of this code, where packing knows that it is a CommonJS one. */
declare const PACKED_FILE: string | undefined

/**
 * Where this code may be, the likeliest first. Bundlers move it: webpack's `import.meta.url` is that of the file before
 * that, and other bundlers leave none. What webpack evaluates has no file of its own, and a single executable is itself.
 */
function places(): string[] {
  return [fileOfThis(), import.meta.url, process.argv[1], process.execPath].filter(isPlace)
}

function isPlace(place: unknown): place is string {
  return typeof place === 'string' && (place.startsWith('/') || place.startsWith('file:'))
}

function fileOfThis(): string | undefined {
  const call = () => fileOfCaller(call)
  return call()
}

const WASM = 'dist/wormhole.wasm'

/** The folder of this package: a bundler that moves the code leaves these files behind. */
const folder = find()

/** The folder of this library's code, with a slash at its end. */
export const codeFolder = `${folder}/dist/`

/** The WebAssembly module. */
export const wasmFile = `${folder}/${WASM}`

/** The program of a child of `forkAndRun`. */
export const runnerFile = `${folder}/dist/process/runner${PROGRAM}`

/** The program of a pool's processes. */
export const poolWorkerFile = `${folder}/dist/pool/worker${PROGRAM}`

/** The child of the doctor's self-test. */
export const doctorPeerFile = `${folder}/dist/doctor/peer${PROGRAM}`

/** Loads the addon that fits this system. */
export function loadAddon(): unknown {
  const file = packedAddon()
  if (file !== undefined) {
    const module = { exports: {} }
    try {
      process.dlopen(module, file)
      return module.exports
    } catch {
      // node-gyp-build may find another; if not, its error says why.
    }
  }
  return askNodeGypBuild()
}

/** Sets LIBC for node-gyp-build, which otherwise reads a file of Alpine's that the permission model may refuse. */
function askNodeGypBuild(): unknown {
  const { env } = process
  const told = env.LIBC !== undefined
  if (!told) env.LIBC = libc()
  try {
    return ownInstance(requireFrom(`${folder}/package.json`)('node-gyp-build'))
  } finally {
    if (!told) delete env.LIBC
  }
}

function libc(): string {
  return existsSync('/etc/alpine-release') ? 'musl' : 'glibc'
}

/** Returns false if the permission model refuses, which throws. */
function existsSync(file: string): boolean {
  try {
    return fs.existsSync(file)
  } catch {
    return false
  }
}

/** Marks an instance of the addon that a copy of this code uses: it keeps that copy's memory and callback. */
const kTaken = Symbol.for('wormhole-ipc.taken')

/**
 * Loads an instance that no other copy of this code uses: after a module registry was reset, `require` gives each copy
 * the same one.
 */
function ownInstance(build: NodeGypBuild): unknown {
  const addon = build(folder) as { [kTaken]?: boolean }
  if (addon[kTaken] !== true) {
    Object.defineProperty(addon, kTaken, { value: true })
    return addon
  }
  const module = { exports: {} }
  process.dlopen(module, build.path(folder))
  return module.exports
}

interface NodeGypBuild {
  (folder: string): unknown
  path(folder: string): string
}

/**
 * Finds the file that node-gyp-build would choose if no other addon was built here or asked for: asking it would add
 * two milliseconds to a program's start.
 */
function packedAddon(): string | undefined {
  const { LIBC, WORMHOLE_IPC_PREBUILD } = process.env
  if (WORMHOLE_IPC_PREBUILD !== undefined || existsSync(`${folder}/build`)) return undefined
  const file = `${folder}/prebuilds/linux-${process.arch}/wormhole-ipc.${LIBC ?? libc()}.node`
  return existsSync(file) ? file : undefined
}

function requireFrom(file: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(file)
}

/** The folder that contains this code's `dist`: a single module is deeper in it than a packed one. */
function folderOf([place = '/'] = places()): string {
  const file = place.startsWith('file:') ? fileURLToPath(place) : place
  const end = file.lastIndexOf('/dist/')
  return end < 0 ? dirname(dirname(file)) : file.slice(0, end)
}

function find(): string {
  // Most programs need no more: what finds the file by the stack takes a tenth of a start.
  const packed = typeof PACKED_FILE === 'undefined' || !isPlace(PACKED_FILE) ? undefined : folderOf([PACKED_FILE])
  if (packed !== undefined && existsSync(`${packed}/${WASM}`)) return packed
  const likely = places()
  const beside = folderOf(likely)
  if (existsSync(`${beside}/${WASM}`)) return beside
  const causes: unknown[] = []
  for (const place of likely) {
    try {
      return dirname(requireFrom(place).resolve('wormhole-ipc/package.json'))
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw cannotLoad(
    'wormhole-ipc was bundled without its addon and its WebAssembly: keep the package in a node_modules above the bundle, where it finds them',
    causes[0]
  )
}
