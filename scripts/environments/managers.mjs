// Package managers: each installs the package in its own way, and runs the programs.
import { join } from 'node:path'

export const packages = ['pnpm@10', 'yarn@1', '@yarnpkg/cli-dist@4']

const bin = (project, file) => join(project.tools, 'node_modules', file)

export const ways = {
  pnpm(project) {
    const pnpm = [bin(project, 'pnpm/bin/pnpm.cjs'), '--config.confirmModulesPurge=false']
    project.node([...pnpm, 'add', '--ignore-scripts', project.tarball])
    return both(project, [])
  },
  'yarn 1'(project) {
    project.node([
      bin(project, 'yarn/bin/yarn.js'),
      'add',
      '--ignore-scripts',
      '--no-progress',
      `file:${project.tarball}`,
    ])
    return both(project, [])
  },
  "yarn 4, Plug'n'Play"(project) {
    const yarn = bin(project, '@yarnpkg/cli-dist/bin/yarn.js')
    project.write('yarn.lock', '')
    const env = { YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_SCRIPTS: '0', YARN_ENABLE_GLOBAL_CACHE: '0' }
    project.node([yarn, 'add', `wormhole-ipc@file:${project.tarball}`], env)
    return both(project, [yarn, 'node'], env)
  },
}

/** Runs the program that requires and, if that works, the one that imports. */
function both(project, before, env) {
  project.node([...before, 'src/both.cjs'], env)
  return project.node([...before, 'src/main.mjs'], env)
}
