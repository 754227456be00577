// Writes the types of the package's entries: those of CommonJS, and for an ES module the same ones under its name. Two
// sets of types would be two classes for TypeScript, as both have private members.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const RELATIVE = /(?:from |import |import\()['"](\.[^'"]+)\.js['"]/g
/** Types of an ES module, which a CommonJS file may import only so. */
const OF_MODULES = /^(import type .* from 'type-fest');$/gm

/** Writes those types of `from` that the entries' types need: users cannot import others. */
export function writeTypes(from, to, entries) {
  const done = new Set()
  const take = (name) => {
    if (done.has(name)) return
    done.add(name)
    const text = readFileSync(join(from, `${name}.d.ts`), 'utf8')
    const file = join(to, `${name}.d.ts`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text.replace(OF_MODULES, `$1 with { 'resolution-mode': 'import' };`))
    for (const [, other] of text.matchAll(RELATIVE)) take(join(dirname(name), other))
  }
  for (const name of entries) {
    take(name)
    writeFileSync(join(to, `${name}.d.mts`), `export * from './${name}.js'\n`)
  }
}
