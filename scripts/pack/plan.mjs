// Which file of the package has which module. Node.js takes about a third of a millisecond to load a file, and V8 a quarter
// to look through 10 KB: so what most programs need is in one file, and what few call is loaded by their first call.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { programs } from './entries.mjs'

/**
 * The files that several entries share, the lowest first. Each has the modules that are named here and all that these
 * import, but for what is in another one.
 */
const PARTS = {
  // The rest of what a child runs is small: it would take longer to load as a file of its own.
  core: ['index', 'core/pause', 'channel/merge-idle', 'channel/named-ends', 'process/inheritance', 'process/run-guard'],
  select: ['channel/select', 'channel/merge'],
  bytes: ['fd/read-whole', 'fd/sealed-bytes'],
  start: ['process/spawn', 'process/child-output', 'process/module-url'],
  forms: [
    'calls/answers',
    'calls/call',
    'calls/forms',
    'calls/handling',
    'core/numbered',
    'pool/protocol',
    'receive/read-each',
  ],
  run: ['process/run'],
  process: ['process'],
  calls: ['calls'],
  pool: ['pool'],
  sockets: ['socket', 'os/peer'],
  listen: ['listen'],
  top: ['top'],
  nats: ['nats'],
  doctor: ['doctor/links'],
}

/** The parts that another one loads by the first call of a function in them. Programs that only send or take need none. */
const LATE = { core: ['select', 'bytes'], process: ['start', 'run'] }

/**
 * These parts, and those that they need, are functions of the core's exports that return theirs. A module registry that was
 * reset before the first call (`jest.resetModules()`) would give a part that requires the core another copy of it.
 */
export const FACTORIES = ['select', 'bytes', 'start', 'forms', 'run'].map((part) => `parts/${part}`)

/** The program that says why the others cannot be loaded has copies of these modules, which keep no state. */
const ALONE = { 'doctor/main': ['core/describe', 'core/shapes'] }

/** Modules that a program imports when it needs them. */
const LATER = ['doctor/top', 'doctor/self-test']

/** What a module is to others: those it imports, with the names that it takes, and the names that it exports. */
const IMPORT = /^(import|export) (?:(\{[^}]*\}|\* as (\w+)) from )?'(\.[^']+)\.js';$/gm
const FUNCTION = /^export (async )?function(\*?) (\w+)\(/gm

/** Reads the single modules of `dist`, and says in which file of the package each is. */
export class Plan {
  #modules = new Map()
  /** By module, its file's name. */
  #places = new Map()

  constructor(dist, entries) {
    this.entries = entries
    for (const file of readdirSync(dist, { recursive: true }).filter((name) => /\.js$/.test(name))) {
      const name = file.replace(/\.js$/, '')
      this.#modules.set(name, read(name, readFileSync(join(dist, file), 'utf8')))
    }
    for (const [part, names] of Object.entries(PARTS)) for (const name of names) this.#place(name, `parts/${part}`)
    for (const [part, names] of Object.entries(PARTS)) for (const name of names) this.#walk(name, `parts/${part}`)
    for (const name of this.programs) this.#place(name, name)
    for (const name of this.programs) this.#walk(name, name)
    for (const name of entries) {
      if (!this.#places.has(name)) throw new Error(`pack: scripts/pack/plan.mjs has no part for the entry ${name}`)
    }
    this.#check()
  }

  /** The programs, and the modules that one of them imports late. */
  get programs() {
    return [...programs, ...LATER]
  }

  /** The files that have modules of several entries. */
  get parts() {
    return Object.keys(PARTS).map((part) => `parts/${part}`)
  }

  modulesOf(file) {
    return [...this.#places].filter(([, place]) => place === file).map(([name]) => name)
  }

  /** The file in which `importer`'s file finds a module. */
  fileOf(name, file) {
    return ALONE[file]?.includes(name) ? file : this.#places.get(name)
  }

  isLate(name, file) {
    const parts = LATE[file.replace(/^parts\//, '')] ?? []
    return parts.some((part) => this.#places.get(name) === `parts/${part}`)
  }

  /** The names of a module that those of a file take, or else of all other files; and all of an entry's. */
  taken(name, file) {
    const place = this.#places.get(name)
    // By it late calls load their file.
    const names = new Set(name === 'core/package-files' ? ['loadPart'] : [])
    if (this.entries.includes(name)) for (const one of this.exportsOf(name)) names.add(one)
    for (const [importer, { imports }] of this.#modules) {
      const its = this.#places.get(importer)
      if (its === undefined || its === place || (file !== undefined && its !== file)) continue
      for (const { from, names: wanted } of imports) if (from === name) for (const one of wanted) names.add(one)
    }
    // Variables that have the name of a namespace may have other members.
    return this.exportsOf(name).filter((own) => names.has(own))
  }

  exportsOf(name) {
    return this.#modules.get(name).exports
  }

  /** By name, how many parameters each function of a module has before the first that may be left out, and if it is async. */
  functionsOf(name) {
    return this.#modules.get(name).functions
  }

  #place(name, file) {
    if (!this.#modules.has(name)) throw new Error(`pack: there is no module ${name}, which scripts/pack/plan.mjs names`)
    if (this.#places.has(name)) throw new Error(`pack: ${name} is named twice in scripts/pack/plan.mjs`)
    this.#places.set(name, file)
  }

  #walk(name, file) {
    for (const { from } of this.#modules.get(name).imports) {
      if (this.#places.has(from) || ALONE[file]?.includes(from)) continue
      this.#places.set(from, file)
      this.#walk(from, file)
    }
  }

  /** A file that imports another one is above it. */
  #check() {
    const order = [...this.parts, ...this.programs]
    for (const [name, place] of this.#places) {
      for (const { from } of this.#modules.get(name).imports) {
        const target = this.fileOf(from, place)
        // A timer that is made at import is made then by the first caller, whose async context it would keep.
        if (this.#modules.get(from).recurs && this.isLate(from, place))
          throw new Error(`pack: ${from} makes a timer at import, and cannot be loaded late`)
        if (target === place || this.isLate(from, place)) continue
        if (order.indexOf(target) > order.indexOf(place))
          throw new Error(`pack: ${name} of ${place} imports ${from} of ${target}, which is above it`)
      }
    }
  }
}

function read(name, text) {
  const imports = [...text.matchAll(IMPORT)].map(([, kind, names, namespace, path]) => {
    const from = posix.join(posix.dirname(name), path)
    if (namespace !== undefined) return { from, names: membersOf(namespace, text) }
    return { from, names: listOf(names), exported: kind === 'export' }
  })
  const functions = new Map()
  for (const { 0: start, 1: isAsync, 2: star, 3: own, index } of text.matchAll(FUNCTION)) {
    const promises = isAsync !== undefined && star === ''
    functions.set(own, { promises, parameters: lengthOf(text, index + start.length) })
  }
  const exports = [
    ...text.matchAll(/^export (?:async )?(?:function\*?|class|const|let) (?:(\w+)|(\{[^}]*\}|\[[^\]]*\]) =)/gm),
  ]
  const lists = [...text.matchAll(/^export (\{[^}]*\})/gm)].flatMap(([, names]) => outerOf(names))
  return {
    imports,
    functions,
    recurs: /^(?:export )?const \w+ = recurring\(/m.test(text),
    exports: [...exports.flatMap(([, own, pattern]) => (own === undefined ? outerOf(pattern, ':') : [own])), ...lists],
  }
}

function membersOf(namespace, text) {
  return [...text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, 'g'))].map(([, member]) => member)
}

/** The names in braces, as the module that they come from calls them. */
function listOf(names = '{}') {
  return split(names).map((entry) => entry.split(' as ')[0])
}

function outerOf(names, separator = ' as ') {
  return split(names).map((entry) => entry.split(separator).at(-1).trim())
}

function split(names) {
  return names
    .slice(1, -1)
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

/** Counts parameters from `at` on to the first with a default, or the closing parenthesis. */
function lengthOf(text, at) {
  let depth = 0
  let count = 0
  let some = false
  for (; ; at++) {
    const char = text[at]
    if (depth === 0 && (char === ')' || char === '=' || text.startsWith('...', at))) {
      return char === ')' && some ? count + 1 : count
    }
    if (depth === 0 && char === ',') {
      count++
      some = false
    } else if (/\S/.test(char)) some = true
    if ('([{'.includes(char)) depth++
    if (')]}'.includes(char)) depth--
  }
}
