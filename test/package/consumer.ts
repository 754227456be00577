import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>

/** What `npm run pack` has made. */
export const tarball = join(root, `build/${name}-${version}.tgz`)

const INSTALL_MS = 120_000
const RUN_MS = 100_000

/** What a program wrote, and how it ended. */
export interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

/** A project of a user: an empty folder into which the tarball was installed without running any script. */
export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'wormhole-consumer-'))
  readonly installed = join(this.folder, 'node_modules', name!)

  constructor() {
    this.write('package.json', '{ "private": true }')
    const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error']
    execFileSync('npm', ['install', ...options, tarball], { cwd: this.folder, timeout: INSTALL_MS, stdio: 'pipe' })
  }

  /** Writes a file of the project; answers its path. */
  write(file: string, text: string): string {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** Runs Node, or another program, in the project, with `variables` in its environment. */
  run(args: string[], program = process.execPath, variables: NodeJS.ProcessEnv = {}): Ran {
    // A prebuilt addon alone: nothing that the tree has built may help.
    const { WORMHOLE_IPC_PREBUILD: _, ...env } = process.env
    const options = { cwd: this.folder, env: { ...env, ...variables }, timeout: RUN_MS }
    return spawnSync(program, args, { ...options, encoding: 'utf8' })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** Another runtime's program, as `scripts/runtimes.mjs` has it; undefined where it cannot be had. */
export function runtime(which: string): string | undefined {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'scripts/runtimes.mjs'), which], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : undefined
}
