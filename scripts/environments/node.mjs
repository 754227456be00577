// Node.js with options, and what compiles programs for it.
import { join } from 'node:path'
import { ANSWER } from './programs.mjs'

export const packages = ['tsx@4', 'ts-node@10', 'typescript@5.9', 'typescript-7@npm:typescript@7', '@types/node@20']

const MODULE_KINDS = [
  ['commonjs', 'ts'],
  ['node16', 'ts', 'mts', 'cts'],
  ['nodenext', 'ts', 'mts', 'cts'],
  ['esnext', 'mts'],
]

export const ways = {
  import: (project) => project.node(['src/main.mjs']),
  require: (project) => project.node(['src/main.cjs']),
  'require and import, one state': (project) => project.node(['src/both.cjs']),
  '--permission': permission,
  '--jitless': jitless,
  '--frozen-intrinsics': (project) => project.node(['--frozen-intrinsics', 'src/main.mjs']),
  tsx: (project) => project.npx(['tsx', 'src/typed.ts']),
  'tsx, ES module': (project) => project.npx(['tsx', 'src/typed.mts']),
  'tsx, children and jobs in TypeScript': (project) =>
    project.npx(['tsx', 'src/typed.mts'], { JOB: join(project.folder, 'double.mts') }),
  'ts-node': (project) => project.npx(['ts-node', '--compiler-options', '{"module":"commonjs"}', 'src/typed.ts']),
  ...Object.fromEntries(
    ['typescript', 'typescript-7'].flatMap((compiler) =>
      MODULE_KINDS.map(([kind, ...extensions]) => [
        `${compiler}, module ${kind}`,
        (project) => compiled(project, compiler, kind, extensions),
      ])
    )
  ),
}

/** Type-checks the package's own types too, and runs what the compiler makes. */
function compiled(project, compiler, kind, extensions) {
  const out = join('dist', compiler, kind)
  const tsc = join('node_modules', compiler, 'bin/tsc')
  const options = ['--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--types', 'node', '--module', kind]
  if (kind === 'esnext') options.push('--moduleResolution', 'bundler')
  project.node([tsc, ...options, '--outDir', out, ...extensions.map((extension) => `src/typed.${extension}`)])
  const answers = extensions.map((extension) => project.node([join(out, `typed.${extension.replace('ts', 'js')}`)]))
  return answers.every((answer) => answer === ANSWER) ? ANSWER : answers.join('')
}

/** The options that docs/bundling.md has. */
function permission(project) {
  const [major = 0] = project.node(['-p', 'process.versions.node']).split('.').map(Number)
  const flag = major >= 22 ? '--permission' : '--experimental-permission'
  const allowed = [`--allow-fs-read=${project.folder}`, '--allow-addons', '--allow-child-process']
  return project.node([flag, ...allowed, 'src/main.mjs'])
}

function jitless(project) {
  const { status, stderr } = project.try(project.program, ['--jitless', 'src/main.mjs'])
  if (
    status === 1 &&
    /WormholeError: wormhole-ipc needs WebAssembly.*: start Node\.js without --jitless\n/.test(stderr)
  )
    return ANSWER
  throw new Error(`--jitless: ${status}\n${stderr}`)
}
