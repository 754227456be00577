import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, start } from './child.js'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Runs `wormhole-ipc` with these arguments, of the package in `folder`, until it ends. */
export function runDoctor(args: readonly string[], folder = root): Child['ended'] {
  return startDoctor(args, folder).ended
}

export function startDoctor(args: readonly string[], folder = root): Child {
  const program = [process.execPath, join(folder, 'dist/doctor/main.js'), ...args]
  // A copy has the addon that the tree has built, whichever addon the tests around it use.
  return start('env', folder === root ? program : ['-u', 'PREBUILDS_ONLY', ...program])
}

/** Makes a copy of what the package needs to run, while `use` runs: a test may break it. */
export function withCopy(use: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(folder, part), { recursive: true })
    addBuilt(folder)
    await use(folder)
  })
}

/** Unpacks the package's tarball and adds the addon, as an installation does. */
export function withPacked(use: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
    const packed = spawnSync('npm', packing, { cwd: root, encoding: 'utf8' })
    if (packed.status !== 0) throw new Error(packed.stderr)
    const [{ filename }] = JSON.parse(packed.stdout)
    const unpacked = spawnSync('tar', ['-xf', join(folder, filename), '-C', folder], { encoding: 'utf8' })
    if (unpacked.status !== 0) throw new Error(unpacked.stderr)
    addBuilt(join(folder, 'package'))
    await use(join(folder, 'package'))
  })
}

/** Adds what an installation adds to a package: the addon, and the module that finds it. */
function addBuilt(folder: string): void {
  const addon = 'build/Release/wormhole.node'
  cpSync(join(root, addon), join(folder, addon), { recursive: true })
  const finder = 'node_modules/node-gyp-build'
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(root, finder), join(folder, finder))
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wormhole-doctor-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
