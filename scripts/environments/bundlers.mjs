// Bundlers: each bundles the programs, its bundle is moved to a folder beside another copy of the package, and the package
// that it was made from is gone when it runs.
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const packages = [
  'webpack@5',
  'webpack-cli@6',
  'rollup@4',
  '@rollup/plugin-node-resolve@16',
  'vite@8',
  'esbuild@0.28',
  'postject@1.0.0-alpha.6',
]

const webpack = (entry, file, options) => {
  const config = `export default {
    target: 'node20', mode: 'production', entry: './src/${entry}', ...${JSON.stringify(options)},
    output: { filename: '${file}', ...${JSON.stringify(options.output ?? {})} } }`
  return {
    files: { 'webpack.config.mjs': config },
    command: ['webpack', '--config', 'webpack.config.mjs'],
    file: `dist/${file}`,
  }
}
const esbuild = (entry, file, format) => ({
  command: ['esbuild', `src/${entry}`, '--bundle', '--platform=node', `--format=${format}`, `--outfile=dist/${file}`],
  file: `dist/${file}`,
})
const MODULE = { output: { module: true, chunkFormat: 'module' }, experiments: { outputModule: true } }
const EVALUATED = { mode: 'development', devtool: 'eval' }
const rollup = `import resolve from '@rollup/plugin-node-resolve'
export default { input: 'src/main.mjs', output: { file: 'dist/rollup.mjs' }, plugins: [resolve({ exportConditions: ['node'] })] }`
const vite = `export default {
  build: { ssr: 'src/main.mjs', outDir: 'dist', rollupOptions: { output: { entryFileNames: 'vite.mjs' } } },
  ssr: { noExternal: true } }`

/** By name: what is written first, the bundler's command, and the bundle. */
const bundles = {
  'webpack, CommonJS': webpack('main.cjs', 'webpack.cjs', {}),
  'webpack, CommonJS of an ES module': webpack('main.mjs', 'webpack-of-module.cjs', {}),
  'webpack, ES module': webpack('main.mjs', 'webpack.mjs', MODULE),
  'webpack, evaluated for development': webpack('main.mjs', 'webpack-eval.cjs', EVALUATED),
  'esbuild, CommonJS': esbuild('main.cjs', 'esbuild.cjs', 'cjs'),
  'esbuild, CommonJS of an ES module': esbuild('main.mjs', 'esbuild-of-module.cjs', 'cjs'),
  'esbuild, ES module': esbuild('main.mjs', 'esbuild.mjs', 'esm'),
  rollup: {
    files: { 'rollup.config.mjs': rollup },
    command: ['rollup', '-c', 'rollup.config.mjs'],
    file: 'dist/rollup.mjs',
  },
  'vite, SSR with noExternal': {
    files: { 'vite.config.mjs': vite },
    command: ['vite', 'build'],
    file: 'dist/vite.mjs',
  },
}

export const ways = Object.fromEntries(
  Object.entries(bundles).map(([name, { files, command, file }]) => [
    name,
    (project) => {
      for (const [path, text] of Object.entries(files ?? {})) project.write(path, text)
      project.npx(command)
      return elsewhere(project, file, (moved) => project.node([moved]))
    },
  ])
)

ways['vite, SSR in development with noExternal'] = (project) => {
  project.write(
    'serve.mjs',
    `import { createServer } from 'vite'
    const options = { server: { middlewareMode: true, ws: false }, appType: 'custom', ssr: { noExternal: true } }
    const server = await createServer({ ...options, logLevel: 'error', configFile: false })
    await server.ssrLoadModule('/src/main.mjs')
    await server.close()`
  )
  return project.node(['serve.mjs'])
}

ways['single executable'] = (project) => {
  project.npx(esbuild('main.cjs', 'single.cjs', 'cjs').command)
  project.write('sea.json', JSON.stringify({ main: 'dist/single.cjs', output: 'dist/single.blob' }))
  project.node(['--experimental-sea-config', 'sea.json'])
  const program = join(project.folder, 'dist/single')
  cpSync(process.execPath, program)
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
  project.npx(['postject', program, 'NODE_SEA_BLOB', 'dist/single.blob', '--sentinel-fuse', fuse])
  return elsewhere(project, 'dist/single', (moved) => project.run(moved, [], { NODE_PROGRAM: process.execPath }))
}

/** Runs a bundle in another folder, with a copy of the package in a node_modules above it and none at the old place. */
function elsewhere(project, file, run) {
  const place = `${project.folder}-moved`
  const [installed, hidden] = ['node_modules', 'hidden'].map((name) => join(project.folder, name))
  mkdirSync(join(place, 'app'), { recursive: true })
  const moved = join(place, 'app', file.split('/').at(-1))
  renameSync(join(project.folder, file), moved)
  for (const name of ['wormhole-ipc', 'node-gyp-build']) {
    cpSync(join(installed, name), join(place, 'node_modules', name), { recursive: true })
  }
  renameSync(installed, hidden)
  try {
    return run(moved)
  } finally {
    renameSync(hidden, installed)
    rmSync(place, { recursive: true })
  }
}
