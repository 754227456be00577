import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { root } from '../helpers/code-blocks.js'

// `npm run docs:site` builds the whole site; here are the parts of it that are ours.
const { deadLinks } = await import(join(root, 'scripts/docs/links.mjs'))
const { copyPages } = await import(join(root, 'scripts/docs/pages.mjs'))

describe('the static site', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wormhole-site-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is refused with a link to no page, or to no part of one', () => {
    mkdirSync(join(folder, 'parts'))
    writeFileSync(join(folder, 'index.html'), '<a href="parts/a.html#one"></a><a href="parts/b.html"></a><h1 id="top">')
    writeFileSync(
      join(folder, 'parts/a.html'),
      '<a href="../index.html#top"></a><a href="#one"></a><a href="https://x/"></a>'
    )
    expect(deadLinks(folder)).to.deep.equal({
      dead: [
        'index.html: parts/a.html#one has no such anchor',
        'index.html: parts/b.html is not there',
        'parts/a.html: #one has no such anchor',
      ],
      checked: 4,
      pages: 2,
    })
  })

  it('has the guides in reading order, with the titles of the list of guides', () => {
    const { documents } = copyPages(root, folder) as { documents: string[] }
    const list = readFileSync(join(root, 'docs/README.md'), 'utf8')
    const guides = [...list.matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(([, name = '']) => join(folder, 'docs', name))
    expect(documents).to.deep.equal([...guides, join(folder, 'docs/README.md')])
    expect(readFileSync(join(folder, 'docs/testing.md'), 'utf8')).to.match(/^---\ntitle: "Testing"\n---\n/)
  })

  it('leads to the reference of its own, and to nothing outside of it', () => {
    copyPages(root, folder)
    const channels = readFileSync(join(folder, 'docs/channels.md'), 'utf8')
    expect(channels).to.include('[the API reference](reference:modules/wormhole-ipc.html)')
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).to.not.match(/\]\(examples/)
  })
})
