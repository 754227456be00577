// Turns the ES modules that esbuild writes when it splits code, which it does for no other format, into CommonJS. Their
// names stay variables of the module: a getter for each use of a shared one, as esbuild's own CommonJS has, costs time.

const IMPORT = /^import(?: (\{[^}]*\}) from)? "([^"]+)";$/gm
const DOCSTRING = /^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm
const EXPORT = /^export \{([^}]*)\};$/gm

/**
 * Returns the CommonJS of a module. Throws if that would not mean the same.
 *
 * @param changing names of what is declared as `export let`
 */
export function toCommonJs(name, text, changing) {
  const exported = []
  const code = text
    .replace(DOCSTRING, '')
    .replaceAll('import.meta.url', '__filename')
    .replace(IMPORT, (_, names, from) => {
      return names === undefined
        ? `require("${from}");`
        : `const ${names.replaceAll(' as ', ': ')} = require("${from}");`
    })
    .replace(EXPORT, (_, names) => {
      for (const entry of names.split(',').map((part) => part.trim())) {
        if (entry === '') continue
        const [inner, outer = inner] = entry.split(' as ')
        exported.push([inner, outer])
      }
      return exported.map(([inner, outer]) => `exports.${outer} = ${inner};`).join('\n')
    })
  const left = /^(?:import|export)\b[^(].*$|\bimport\.meta\b|^(?:const .* = )?await\b.*$/m.exec(code)
  if (left !== null) throw new Error(`pack: ${name}: no CommonJS for: ${left[0]}`)
  // An importer would keep the first value.
  const set = exported.flat().find((part) => changing.has(part.replace(/\d+$/, '')))
  if (set !== undefined) throw new Error(`pack: ${name}: ${set} changes and is used by another file: export a function`)
  return `"use strict";\n${code}`
}

/** The names that a module exports. */
export function namesOf(text) {
  const names = []
  for (const [, list] of text.matchAll(EXPORT)) {
    for (const entry of list.split(',').map((part) => part.trim()))
      if (entry !== '') names.push(entry.split(' as ').at(-1))
  }
  return names
}

/** The two files by which `import` gets what the CommonJS file `file` exports as `names`. */
export function importFiles(file, names) {
  const [loader, imported] = throughLoader(`${file.replace(/\.js$/, '')}-import.js`, new Map([[file, names]]))
  return { loader, module: `${imported}export { ${names.join(', ')} };\n` }
}

/** Lets a program, an ES module, import by one file what it takes of CommonJS ones. Returns that file and the program. */
export function programFiles(loaderName, text) {
  const taken = new Map()
  const rest = text.replace(IMPORT, (line, names = '{}', from) => {
    if (!from.startsWith('.')) return line
    taken.set(
      from.replace(/^\.\//, ''),
      names
        .slice(1, -1)
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean)
    )
    return ''
  })
  const [loader, imported] = throughLoader(loaderName, taken)
  // The first line may be the one that names the interpreter.
  return { loader, program: rest.replace(/^(#!.*\n)?/, `$1${imported}`) }
}

/**
 * Returns the text of a CommonJS file that takes names from others, and of the statements that import them from it. That
 * an ES module imports such others themselves has two costs: Node.js reads their whole text for names, and an error that
 * one throws ends a program on Node.js 20 although it caught that of its `import()`, as V8 reports it a second time.
 */
function throughLoader(loaderName, taken) {
  const outer = (name) => name.split(' as ').at(-1)
  const all = [...taken.values()].flat()
  const required = [...taken].map(([file, names]) => {
    const wanted = names.map((name) => name.replace(' as ', ': ')).join(', ')
    if (wanted === '') return `  require("./${file}");\n`
    return `  ({ ${wanted} } = require("./${file}"));\n`
  })
  const variables = all.length === 0 ? '' : `let ${all.map(outer).join(', ')};\n`
  const exported = ['failure', ...all.map(outer)].map((name) => `exports.${name} = ${name};\n`).join('')
  return [
    `"use strict";\nlet failure;\n${variables}try {\n${required.join('')}} catch (error) {\n  failure = { error };\n}\n${exported}`,
    `import { ${['failure', ...all.map(outer)].join(', ')} } from "./${loaderName.split('/').at(-1)}";\nif (failure !== undefined) throw failure.error;\n`,
  ]
}

/** The names of what modules declare as `export let`. */
export function changingNames(texts) {
  return new Set(texts.flatMap((text) => [...text.matchAll(/^export (?:let|var) (\w+)/gm)].map(([, name]) => name)))
}
