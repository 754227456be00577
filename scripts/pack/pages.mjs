// The pages and examples of the package. What they link to and the package does not have is in the repository: the link
// leads there if package.json says where that is, else the text alone is left.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const CODE = /^```[\s\S]*?^```$/gm
const LINK = /(!?)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)/g

/** Copies what package.json's `files` names, except what it excludes with a `!`, and what `leftOut(file)` says. */
export function copyFiles(root, folder, files, leftOut) {
  const excluded = new Set(files.filter((name) => name.startsWith('!')).map((name) => join(root, name.slice(1))))
  for (const name of files.filter((name) => !name.startsWith('!'))) {
    const filter = (file) => !excluded.has(file) && !leftOut(file)
    cpSync(join(root, name), join(folder, name), { recursive: true, filter })
  }
}

/** Rewrites the links of all pages in the package. */
export function mendLinks(folder, manifest) {
  for (const page of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.md'))) {
    const file = join(folder, page)
    const has = (path) => existsSync(join(folder, path))
    writeFileSync(file, withLiveLinks(page, readFileSync(file, 'utf8'), has, placeOf(manifest)))
  }
}

/** Returns a page's text; `has` says whether a path is in the package, `place` is the URL of the other files, if any. */
export function withLiveLinks(page, text, has, place) {
  const mend = (part) =>
    part.replace(LINK, (link, image, label, target, fragment = '') => {
      const path = normalize(join(dirname(page), target))
      if (has(path)) return link
      if (place !== undefined) return `${image}[${label}](${place}${path}${fragment}${image === '' ? '' : '?raw=true'})`
      return image === '' ? label : `*${label}* (a chart of the repository)`
    })
  const blocks = text.match(CODE) ?? []
  return text
    .split(CODE)
    .map((part, index) => mend(part) + (blocks[index] ?? ''))
    .join('')
}

/** The web page of a repository, as package.json may write it; undefined if it has none. */
export function pageOf({ repository }) {
  const url = typeof repository === 'object' ? repository.url : repository
  return url
    ?.replace(/^git\+/, '')
    .replace(/\.git$/, '')
    .replace(/^github:/, 'https://github.com/')
}

function placeOf(manifest) {
  const page = pageOf(manifest)
  return page === undefined ? undefined : `${page}/blob/v${manifest.version}/`
}
