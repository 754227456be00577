import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { root } from '../helpers/code-blocks.js'

const read = (page: string) => readFileSync(join(root, page), 'utf8')

/** The cells of the table whose first line begins like this, without its first column and its two head lines. */
function figuresIn(page: string, head: string): string[] {
  const text = read(page)
  const start = text.indexOf(head)
  expect(start, head).to.be.at.least(0)
  const [table = ''] = text.slice(start).split('\n\n')
  const rows = table.split('\n').slice(2)
  return rows.flatMap((row) => row.split('|').slice(2, -1)).map((cell) => cell.trim())
}

describe('the figures in the README', () => {
  it('are those of the page of performance', () => {
    const measured = new Set(read('docs/performance.md').match(/\d+(?:\.\d+)?/g))
    const figures = figuresIn('README.md', '| times as fast as').filter((cell) => cell !== '')
    expect(figures).to.have.length.greaterThan(2)
    for (const figure of figures) expect(measured.has(figure), figure).to.equal(true)
  })
})

describe('the README', () => {
  it('has at most 200 lines, and each guide at most 165', () => {
    const lines = (page: string) => read(page).split('\n').length - 1
    expect(lines('README.md')).to.be.at.most(200)
    const guides = [...read('docs/README.md').matchAll(/^\| \[[^\]]+\]\((\w[\w-]+\.md)\)/gm)].map(([, name]) => name)
    expect(guides).to.have.length.greaterThan(5)
    for (const guide of guides) {
      // These two compare every call of other libraries with ours.
      if (!guide?.startsWith('migrating-')) expect(lines(`docs/${guide}`), guide).to.be.at.most(165)
    }
  })
})
