// The package's entries, as package.json of this tree lists them in `exports`, and what they become in the package.
import { pageOf } from './pages.mjs'

/** The programs that the library starts. */
export const programs = ['process/runner', 'pool/worker', 'doctor/main', 'doctor/peer']

/** By its subpath, the name of each entry's module. */
export function entriesOf(manifest) {
  return Object.fromEntries(
    Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([subpath, { default: file }]) => [subpath, file.replace(/^\.\/dist\/|\.js$/g, '')])
  )
}

/**
 * Makes the package's manifest. `import` and `require` lead to one CommonJS build, so to one state; bundlers, which know
 * `module`, get ES modules, of which they make one copy themselves.
 */
export function published({ scripts, devDependencies, overrides, imports, type, ...manifest }) {
  const entries = entriesOf(manifest)
  const { '.': main, ...others } = entries
  const page = pageOf(manifest)
  const exported = Object.entries(entries).map(([subpath, name]) => [
    subpath,
    {
      module: `./dist/esm/${name}.mjs`,
      import: { types: `./dist/${name}.d.mts`, default: `./dist/${name}.mjs` },
      require: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
    },
  ])
  return {
    ...manifest,
    ...(page === undefined ? {} : { homepage: `${page}#readme`, bugs: `${page}/issues` }),
    type: 'commonjs',
    // An import claims the ends that a child was given, or throws if the library cannot run.
    sideEffects: true,
    main: `./dist/${main}.js`,
    types: `./dist/${main}.d.ts`,
    // For TypeScript's `node10`, which does not read `exports`.
    typesVersions: {
      '*': Object.fromEntries(
        Object.entries(others).map(([subpath, name]) => [subpath.slice(2), [`./dist/${name}.d.ts`]])
      ),
    },
    exports: { ...manifest.exports, ...Object.fromEntries(exported) },
    bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, file]) => [name, file.replace(/\.js$/, '.mjs')])),
  }
}
