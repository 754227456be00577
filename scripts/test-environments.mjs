// Tries the packed package where users have it: bundlers (their bundle moved), compilers, Node's options and package
// managers, all fetched from the registry. The last line counts the ways that passed. An argument selects ways by name.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as bundlers from './environments/bundlers.mjs'
import * as managers from './environments/managers.mjs'
import * as node from './environments/node.mjs'
import { ANSWER } from './environments/programs.mjs'
import { Project } from './environments/project.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const tarball = join(root, `build/wormhole-ipc-${version}.tgz`)
const wanted = new RegExp(process.argv[2] ?? '', 'i')
if (!existsSync(tarball)) throw new Error('there is no tarball: run npm run pack -- --partial')

const rows = {}
const failures = []
await inOneProject(node)
await inOneProject(bundlers)
await eachInItsOwn(managers)
console.table(rows)
for (const failure of failures) console.error(failure)
console.log(`${Object.keys(rows).length - failures.length} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 && Object.keys(rows).length > 0 ? 0 : 1

function chosen(ways) {
  return Object.entries(ways).filter(([name]) => wanted.test(name))
}

async function inOneProject({ packages, ways }) {
  const list = chosen(ways)
  if (list.length === 0) return
  const project = new Project(tarball)
  try {
    project.install(packages)
    for (const [name, way] of list) attempt(name, () => way(project))
  } finally {
    project.remove()
  }
}

/** The managers themselves are installed apart from the projects. */
async function eachInItsOwn({ packages, ways }) {
  const list = chosen(ways)
  if (list.length === 0) return
  const tools = new Project(tarball)
  try {
    tools.install(packages)
    for (const [name, way] of list) {
      const project = Object.assign(new Project(tarball), { tools: tools.folder })
      attempt(name, () => way(project))
      project.remove()
    }
  } finally {
    tools.remove()
  }
}

function attempt(name, way) {
  try {
    const answer = way()
    if (answer !== ANSWER) throw new Error(`answered ${JSON.stringify(answer)}`)
    rows[name] = 'passed'
  } catch (error) {
    rows[name] = 'failed'
    failures.push(`${name}: ${error.message}`)
  }
}
