// Looks for dead links in a folder of HTML pages.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Returns a sentence for each link or picture that leads to no file or anchor of the folder, and how many were checked. */
export function deadLinks(folder) {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))
  const anchors = new Map(pages.map((page) => [page, anchorsOf(readFileSync(join(folder, page), 'utf8'))]))
  const dead = []
  let checked = 0
  for (const page of pages) {
    const text = readFileSync(join(folder, page), 'utf8')
    for (const [, attribute] of text.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      const target = decodeURI(attribute.replaceAll('&amp;', '&'))
      if (/^(?:https?|data):/.test(target)) continue
      checked++
      const [path, anchor = ''] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      const full = join(folder, file)
      if (!existsSync(full) || !statSync(full).isFile()) dead.push(`${page}: ${target} is not there`)
      else if (anchor !== '' && anchors.get(file)?.has(anchor) === false)
        dead.push(`${page}: ${target} has no such anchor`)
    }
  }
  return { dead, checked, pages: pages.length }
}

function anchorsOf(html) {
  return new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id))
}
