// Turns the ES modules that esbuild writes into CommonJS. What they take of each other stays variables of the module: a
// getter for each use, as esbuild's own CommonJS has, costs time.
import { basename } from 'node:path'
import { exportedName, LATE_REQUIRE, TAKE_PART } from './bundle.mjs'
import { FACTORIES } from './plan.mjs'

const IMPORT = /^import(?: (\{[^}]*\}) from)? "([^"]+)";$/gm
/** What esbuild leaves of a module of another file. */
const EMPTY = /^\/\/ outer:.*\n\s*(?=^\/\/ )/gm
const DOCSTRING = /^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm
const EXPORT = /^export \{([^}]*)\};$/gm

/**
 * Returns the CommonJS of a file. Throws if that would not mean the same.
 *
 * @param changing names of what is declared as `export let`
 */
export function toCommonJs(name, text, changing) {
  const exported = []
  const { taken, rest } = withoutImports(text)
  const code = rest
    .replace(DOCSTRING, '')
    .replaceAll('import.meta.url', '__filename')
    .replaceAll(`${LATE_REQUIRE}(`, 'require(')
    .replace(EXPORT, (_, names) => {
      for (const entry of names.split(',').map((part) => part.trim())) {
        if (entry === '') continue
        const [inner, outer = inner] = entry.split(' as ')
        exported.push([inner, outer])
      }
      return ''
    })
  const left = /^(?:import|export)\b[^(].*$|\bimport\.meta\b|^(?:const .* = )?await\b.*$/m.exec(code)
  if (left !== null) throw new Error(`pack: ${name}: no CommonJS for: ${left[0]}`)
  // An importer would keep the first value.
  const set = exported.flat().find((part) => changing.has(part.replace(/\d+$/, '')))
  if (set !== undefined) throw new Error(`pack: ${name}: ${set} changes and is used by another file: export a function`)
  // One literal: hundreds of assignments, each of which gives the object another shape, take a fifth of a millisecond.
  const literal = `{ ${exported.map(([inner, outer]) => `${outer}: ${inner}`).join(', ')} }`
  if (name === 'parts/core') return `"use strict";\n${required(taken)}${code}${takingParts(literal)}`
  if (!FACTORIES.includes(name)) {
    return `"use strict";\n${required(taken, code)}${code}module.exports = ${literal};\n`
  }
  // V8 compiles a function in parentheses with the file, instead of looking through it first.
  return `"use strict";\nmodule.exports = (function (core) {\n${required(taken, code, 'core')}${code}return ${literal};\n});\n`
}

/** What ends the core: its exports, with the function that makes parts of them. */
function takingParts(literal) {
  return `const takenParts = {};
function ${TAKE_PART}(name, load) {
  return takenParts[name] ??= load()(module.exports);
}
module.exports = ${literal.replace(/ \}$/, `, ${TAKE_PART} }`)};
`
}

/** The statements that take what a file imports, `core` being the core's exports. */
function required(taken, code = '', core = undefined) {
  const all = new Map(taken)
  const isCore = (file) => file.endsWith('/core.js')
  const isFactory = (file) => FACTORIES.includes(`parts/${basename(file, '.js')}`)
  const takes = [...all.keys()].some(isFactory) || code.includes(`${TAKE_PART}(`)
  if (takes) {
    const file = [...all.keys()].find(isCore)
    if (file === undefined) throw new Error('pack: a file takes a part and nothing of the core')
    all.set(file, [...all.get(file), TAKE_PART])
  }
  const other = [...all.keys()].find((file) => file.startsWith('.') && !isCore(file) && !isFactory(file))
  if (core !== undefined && other !== undefined) throw new Error(`pack: a part that is loaded late needs ${other}`)
  // The core first: it says why the library cannot run.
  const files = [...all.keys()].sort((a, b) => isCore(b) - isCore(a))
  return files
    .map((file) => {
      const names = all.get(file)
      const value = isFactory(file)
        ? `${TAKE_PART}("${basename(file, '.js')}", () => require("${file}"))`
        : core !== undefined && isCore(file)
          ? core
          : `require("${file}")`
      return names.length === 0 ? `${value};\n` : `const ${pattern(names)} = ${value};\n`
    })
    .join('')
}

/** Takes the imports out of a module: returns the names that it takes, by file in the order of the imports, and the rest. */
function withoutImports(text, isTaken = () => true) {
  const taken = new Map()
  const rest = text.replace(IMPORT, (line, names = '{}', from) => {
    if (!isTaken(from)) return line
    const list = names.slice(1, -1).split(',')
    taken.set(from, [...(taken.get(from) ?? []), ...list.map((name) => name.trim()).filter(Boolean)])
    return ''
  })
  return { taken, rest: rest.replace(EMPTY, '') }
}

/** The pattern that takes what an import does. */
function pattern(names) {
  return `{ ${names.map((name) => name.replace(' as ', ': ')).join(', ')} }`
}

/**
 * The files by which `require` and `import` get what `part`, a file beside them, exports for the entry `entry`. That an ES
 * module imports the part itself would have two costs: Node.js reads its whole text for names, and an error that it throws
 * ends a program on Node.js 20 although it caught that of its `import()`, as V8 reports it a second time. So it imports a
 * small file that catches the error, and always exports `failure`: test runners take the exports that there are.
 */
export function entryFiles(entry, part, names) {
  const list = names.map((name) => `exports.${name} = part.${exportedName(entry, name)};\n`).join('')
  return {
    required: `"use strict";\nconst part = require("./${part}.js");\n${list}`,
    loader: `"use strict";\nlet part = {};\nexports.failure = undefined;\ntry {\n  part = require("./${part}.js");\n} catch (error) {\n  exports.failure = { error };\n}\n${list}`,
    module: `import { ${['failure', ...names].join(', ')} } from "./${entry}-import.js";\nif (failure !== undefined) throw failure.error;\nexport { ${names.join(', ')} };\n`,
  }
}

/**
 * Lets a program, an ES module, take from CommonJS files by `require`: it has no importer that would catch an error, and
 * Node.js 20 takes two milliseconds to import the first such file.
 *
 * @param versions the Node.js that it needs, as in package.json
 */
export function programOf(text, versions) {
  const { taken, rest } = withoutImports(text, (file) => file.startsWith('.'))
  if (taken.size === 0) return text
  const needed = JSON.stringify(`wormhole-ipc needs Node.js ${versions}; this is `)
  // The first line may be the one that names the interpreter. An import of `node:module` would load what it loads late.
  return rest.replace(
    /^(#!.*\n)?/,
    (first) => `${first}if (process.getBuiltinModule === undefined) throw new Error(${needed} + process.version);
const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);
${required(taken)}`
  )
}

/** The names of what modules declare as `export let`. */
export function changingNames(texts) {
  return new Set(texts.flatMap((text) => [...text.matchAll(/^export (?:let|var) (\w+)/gm)].map(([, name]) => name)))
}
