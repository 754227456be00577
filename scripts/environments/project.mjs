// A project of a user, in which the environments are tried.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BOTH, DOUBLE, DOUBLE_TYPED, IMPORTS, REQUIRES, TYPED } from './programs.mjs'

/** What takes longer hangs, however busy the machine is. */
const MAX_MS = 600_000
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error']

export class Project {
  constructor(tarball, node = process.execPath) {
    this.tarball = tarball
    this.program = node
    this.folder = mkdtempSync(join(tmpdir(), 'wormhole-environment-'))
    this.write('package.json', '{ "name": "project", "version": "1.0.0", "private": true }')
    this.write('double.mjs', DOUBLE)
    this.write('double.mts', DOUBLE_TYPED)
    this.write('src/main.mjs', IMPORTS)
    this.write('src/main.cjs', REQUIRES)
    this.write('src/both.cjs', BOTH)
    for (const extension of ['ts', 'mts', 'cts']) this.write(`src/typed.${extension}`, TYPED)
  }

  write(file, text) {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  install(packages) {
    this.run('npm', [...INSTALL, ...packages, this.tarball])
  }

  /** Runs a program; returns its standard output. Throws if it fails. */
  run(program, args, env = {}) {
    const { status, signal, error, stdout, stderr } = this.try(program, args, env)
    if (status === 0) return stdout
    throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? signal ?? status}\n${stdout}\n${stderr}`)
  }

  try(program, args, env = {}) {
    const { NODE_OPTIONS: _, WORMHOLE_IPC_PREBUILD: __, ...ours } = process.env
    const job = { JOB: join(this.folder, 'double.mjs'), NO_COLOR: '1' }
    const options = { cwd: this.folder, env: { ...ours, ...job, ...env }, encoding: 'utf8', timeout: MAX_MS }
    return spawnSync(program, args, options)
  }

  node(args, env) {
    return this.run(this.program, args, env)
  }

  /** Runs a program of an installed package. */
  npx(args, env) {
    return this.run('npx', ['--no', '--', ...args], env)
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
