// Writes the static site, guides and reference together, to out/site. Fails at a warning or a dead link.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, TSConfigReader } from 'typedoc'
import { deadLinks } from './links.mjs'
import { copyPages, REFERENCE } from './pages.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const out = join(root, 'out/site')
/** What typedoc.json says about the sources, beside what only its Markdown plugin knows. */
const SHARED = [
  'name',
  'tsconfig',
  'entryPoints',
  'excludePrivate',
  'excludeProtected',
  'excludeInternal',
  'excludeExternals',
  'disableSources',
  'githubPages',
  'sort',
  'groupOrder',
  'intentionallyNotExported',
  'validation',
  'requiredToBeDocumented',
]
const reference = JSON.parse(readFileSync(new URL('typedoc.json', import.meta.url), 'utf8'))
const shared = Object.fromEntries(SHARED.map((option) => [option, reference[option]]))

process.chdir(fileURLToPath(new URL('.', import.meta.url)))
const { readme, documents } = copyPages(root, join(root, 'out/site-pages'))
const app = await Application.bootstrapWithPlugins(
  {
    ...shared,
    readme,
    projectDocuments: documents,
    out,
    customCss: './site.css',
    navigation: { includeCategories: false, includeGroups: false, includeFolders: false, compactFolders: false },
    headings: { readme: false, document: false },
    sortEntryPoints: false,
    highlightLanguages: ['typescript', 'javascript', 'shellscript', 'python', 'json'],
    searchInComments: true,
    searchInDocuments: true,
    hideGenerator: true,
    logLevel: 'Warn',
  },
  [new TSConfigReader()]
)
rmSync(out, { recursive: true, force: true })
const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
await app.generateOutputs(project)

for (const page of readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))) {
  const up = relative(dirname(page), '.')
  const text = readFileSync(join(out, page), 'utf8').replaceAll(
    `href="${REFERENCE}`,
    `href="${up === '' ? '' : `${up}/`}`
  )
  // A page that is opened as a file needs the name.
  writeFileSync(join(out, page), text.replaceAll('href="../"', 'href="../index.html"'))
}

const { dead, checked, pages } = deadLinks(out)
for (const link of dead) console.error(link)
console.log(`${pages} pages in ${relative(root, out)}, ${checked} links, ${dead.length} of them dead`)
if (dead.length > 0 || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1
