// Bundles the modules of one file of the package's CommonJS as an ES module, in which what other files have is imported
// from them, and what is loaded late is called through a function that loads it first.
import { join, posix, relative } from 'node:path'
import { build } from 'esbuild-wasm'

/** What the late calls of a bundle are written as: esbuild would replace `require` in an ES module. */
export const LATE_REQUIRE = 'requireLate'

/** The core's function that returns a part, which it makes once: `takePart(name, () => require(file))`. */
export const TAKE_PART = 'takePart'

/** The module whose `loadPart` says why a file could not be loaded. */
const HELPER = './core/package-files.js'

/** The name under which a file of several modules exports what one of them does. */
export function exportedName(module, name) {
  return `${module.replace(/\W/g, '_')}$${name}`
}

/** Returns the text of the bundle of `file`, which the plan has. */
export async function bundleFile(plan, file, dist, options) {
  const isPart = plan.parts.includes(file)
  const { outputFiles } = await build({
    ...options,
    entryPoints: [isPart ? `part:${file}` : join(dist, `${file}.js`)],
    outfile: join(dist, 'out.js'),
    bundle: true,
    write: false,
    plugins: [{ name: 'plan', setup: (build) => follow(build, plan, file, dist) }],
  })
  return outputFiles[0].text
}

function follow({ onResolve, onLoad }, plan, file, dist) {
  onResolve({ filter: /^part:/ }, () => ({ path: file, namespace: 'part' }))
  onLoad({ filter: /./, namespace: 'part' }, () => ({ contents: partOf(plan, file), resolveDir: dist }))
  onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, namespace, kind }) => {
    if (namespace === 'outer' && path !== HELPER) return { path, external: true }
    const name = relative(dist, join(resolveDir, path)).replace(/\.js$/, '')
    if (kind === 'dynamic-import') return { path, external: true }
    const place = plan.fileOf(name, file)
    if (place === undefined) throw new Error(`pack: scripts/pack/plan.mjs has no place for ${name}`)
    return place === file ? undefined : { path: name, namespace: 'outer' }
  })
  onLoad({ filter: /./, namespace: 'outer' }, ({ path: name }) => {
    const from = `./${posix.relative(posix.dirname(file), plan.fileOf(name, file))}.js`
    const contents = plan.isLate(name, file) ? lateCalls(plan, name, file, from) : outerNames(plan, name, file, from)
    return { contents, resolveDir: dist }
  })
}

/** A module that exports what other files take of a part's modules. */
function partOf(plan, file) {
  const lines = plan.modulesOf(file).map((name) => {
    const names = plan.taken(name).map((own) => `${own} as ${exportedName(name, own)}`)
    return names.length === 0 ? `import "./${name}.js";` : `export { ${names.join(', ')} } from "./${name}.js";`
  })
  return lines.join('\n')
}

function outerNames(plan, name, file, from) {
  const names = plan.taken(name, file).map((own) => `${exportedName(name, own)} as ${own}`)
  return names.length === 0 ? `import "${from}";` : `export { ${names.join(', ')} } from "${from}";`
}

/** A module whose functions load the true ones at their first call. They have the same names and numbers of parameters. */
function lateCalls(plan, name, file, from) {
  const functions = plan.functionsOf(name)
  const calls = plan.taken(name, file).map((own) => {
    if (!functions.has(own)) throw new Error(`pack: ${own} of ${name} is no function, and cannot be loaded late`)
    const { promises, parameters } = functions.get(own)
    const names = Array.from({ length: parameters }, (_, index) => `_${index}`).join(', ')
    const call = `load().${exportedName(name, own)}.apply(this, arguments)`
    if (!promises) return `export function ${own}(${names}) { return ${call} }`
    return `export function ${own}(${names}) {
  try { return ${call} } catch (error) { return (async () => { throw error })() }
}`
  })
  return `import { loadPart } from '${HELPER}'
let part
function load() { return part ??= loadPart(() => ${TAKE_PART}("${posix.basename(from, '.js')}", () => ${LATE_REQUIRE}("${from}"))) }
${calls.join('\n')}`
}
