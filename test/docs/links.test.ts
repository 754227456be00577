import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { API, documents, root } from '../helpers/code-blocks.js'

describe('the links in the documents', () => {
  for (const page of [...documents(), 'CHANGELOG.md', 'SECURITY.md', 'bench/README.md']) {
    it(`lead somewhere: ${page}`, () => {
      const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
        expect(existsSync(join(root, dirname(page), target)), target).to.equal(true)
      }
    })
  }
})

describe('the list of guides', () => {
  it('leads to every page of docs/', () => {
    const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
    const listed = [...index.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => join('docs', target))
    const pages = documents().filter((page) => page.startsWith('docs/') && !page.startsWith(API))
    expect(listed).to.include.members(pages.filter((page) => page !== 'docs/README.md'))
    expect(listed).to.include.members([`${API}README.md`, 'README.md'])
  })
})

describe('the commands in the documents', () => {
  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const page of documents()) {
      const text = readFileSync(join(root, page), 'utf8')
      for (const [, name] of text.matchAll(/\bnpm run ([\w:-]+)/g))
        expect(scripts, page).to.have.property(name as string)
    }
  })
})
