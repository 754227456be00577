import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'

const lib = new URL('../../../lib/', import.meta.url)

/** The folders of lib/ from the top down: a module imports from its own folder and from those below, types included. */
const LAYERS = [
  ['doctor'],
  ['.'],
  ['pool', 'top'],
  ['calls', 'listen', 'nats', 'process'],
  ['channel'],
  ['send', 'receive', 'socket'],
  ['wire'],
  ['fd'],
  ['os'],
  ['core'],
]

const files = (readdirSync(lib, { recursive: true }) as string[]).filter((name) => name.endsWith('.ts'))

/** Each module of lib/ with those that it imports, for their types alone too. */
const imports = new Map(
  files.map((file): [string, string[]] => {
    const text = readFileSync(new URL(file, lib), 'utf8')
    const found = text.matchAll(
      /^(?:import|export)\b(?:[^'"]*?\bfrom)?\s*['"](\.[^'"]+)['"]|\bimport\(['"](\.[^'"]+)['"]\)/gm
    )
    const targets = [...found].map(([, from, late]) => join(dirname(file), (from ?? late) as string))
    return [file, targets.map((target) => normalize(target).replace(/\.js$/, '.ts'))]
  })
)

function floorOf(file: string): number {
  return LAYERS.findIndex((folders) => folders.includes(dirname(file)))
}

/** The modules that a walk down from `file` comes back to. */
function circlesFrom(file: string): string[] {
  const seen = new Set<string>()
  const open = [...(imports.get(file) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    open.push(...(imports.get(next) ?? []))
  }
  return seen.has(file) ? [file] : []
}

describe('the folders of lib/', () => {
  it('are those of the plan, and no module stands elsewhere', () => {
    expect(new Set(files.map((file) => dirname(file)))).to.deep.equal(new Set(LAYERS.flat()))
    for (const [file, targets] of imports) expect(files, file).to.include.members(targets)
  })

  it('import downwards only, or from themselves', () => {
    const upwards = [...imports].flatMap(([file, targets]) =>
      targets
        .filter((target) => dirname(target) !== dirname(file) && floorOf(target) <= floorOf(file))
        .map((target) => `${file} -> ${target}`)
    )
    expect(upwards).to.deep.equal([])
  })

  it('have no circle', () => {
    expect(files.flatMap(circlesFrom)).to.deep.equal([])
    const arrows = [...imports.values()].reduce((sum, targets) => sum + new Set(targets).size, 0)
    console.log(`    ${files.length} modules on ${LAYERS.length} floors, ${arrows} imports`)
  })

  it('hold rooms of 400 lines at most', () => {
    const long = files.filter((file) => readFileSync(new URL(file, lib), 'utf8').split('\n').length > 401)
    expect(long).to.deep.equal([])
  })
})
