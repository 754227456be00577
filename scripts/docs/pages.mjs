// Prepares the Markdown pages for the site: copies with a title for the menu, and with links that lead somewhere there.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/** The page with the list of guides, in reading order, and of what else there is. */
const INDEX = 'docs/README.md'
const INDEX_TITLE = 'All pages'
const LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\((?!\w+:)([^)\s]*)\)/g

/**
 * Copies the README and all pages that the index leads to into `folder`. Returns the copies' paths: the README's, and those
 * of the pages in the order of the index, the pages of its table (the guides) before the index itself.
 */
export function copyPages(root, folder) {
  rmSync(folder, { recursive: true, force: true })
  const index = readFileSync(join(root, INDEX), 'utf8')
  const titles = new Map([[INDEX, INDEX_TITLE]])
  for (const [, , words, target] of index.matchAll(LINK)) {
    const page = join(dirname(INDEX), target)
    if (page.endsWith('.md') && page !== 'README.md' && !page.startsWith('docs/api/')) titles.set(page, titleOf(words))
  }
  const pages = [...titles.keys()].filter((page) => page !== INDEX)
  const guides = pages.filter((page) =>
    new RegExp(`^\\| \\[[^\\]]*\\]\\(${relative('docs', page)}\\)`, 'm').test(index)
  )
  const others = pages.filter((page) => !guides.includes(page))
  const parts = others.map((other) => `  - ./${relative(dirname(INDEX), other)}\n`).join('')
  const isOnSite = (page) => page === 'README.md' || titles.has(page)
  for (const page of ['README.md', ...titles.keys()]) {
    const copy = join(folder, page)
    mkdirSync(dirname(copy), { recursive: true })
    const head = `---\ntitle: ${JSON.stringify(titles.get(page))}\n${page === INDEX ? `children:\n${parts}` : ''}---\n`
    writeFileSync(copy, (page === 'README.md' ? '' : head) + prepare(root, folder, page, isOnSite))
  }
  return { readme: join(folder, 'README.md'), documents: [...guides, INDEX].map((page) => join(folder, page)) }
}

/** Returns the words of a link as the title of a page. */
function titleOf(words) {
  const text = words.replaceAll('`', '').replaceAll('\n', ' ')
  return text[0].toUpperCase() + text.slice(1)
}

/** Returns a page's text as the site's generator takes it. */
function prepare(root, folder, page, isOnSite) {
  const blocks = readFileSync(join(root, page), 'utf8').split(/^(```[\s\S]*?^```)$/m)
  return blocks.map((block, index) => (index % 2 === 1 ? block : prose(root, folder, page, isOnSite, block))).join('')
}

/** Changes what is not code: links, and headings, whose anchors have no place for code. */
function prose(root, folder, page, isOnSite, text) {
  const linked = text.replace(LINK, (all, picture, words, target) => {
    const [path, anchor] = target.split('#')
    if (path === '') return all
    const file = join(dirname(page), path)
    if (!existsSync(join(root, file))) throw new Error(`${page} leads to ${target}, which is not there`)
    if (picture !== '') cpSync(join(root, file), join(folder, file))
    if (picture !== '' || isOnSite(file)) return all
    const reference = /^docs\/api\/(?:README|([\w-]+)(?:\/(\w+))?)\.md$/.exec(file)
    if (reference !== null) return `[${words}](${referencePage(reference)}${anchor === undefined ? '' : `#${anchor}`})`
    // A folder or a source file, which only a clone has: its name is shown.
    return words.includes(basename(file)) ? words : `${words} (\`${file}\`)`
  })
  return linked.replace(/^(#+ )(.*)$/gm, (_, marks, heading) => marks + heading.replaceAll('`', ''))
}

/** Scheme of links to the reference: the generator would take a path for a file to copy. */
export const REFERENCE = 'reference:'

function referencePage([, name, part]) {
  if (name === undefined) return `${REFERENCE}modules.html`
  return `${REFERENCE}modules/${part === undefined ? name : `${name}_${part}`}.html`
}
