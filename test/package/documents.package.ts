import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { Consumer } from './consumer.js'

/** What only a clone has; the README says so where it leads to it. */
const OF_A_CLONE =
  /^(bench\/README\.md|examples\/(\w+\/)?|CONTRIBUTING\.md|docs\/(performance|reliability|model\/README)\.md)$/

describe('the documents of the installed package', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
  })
  after(() => consumer.remove())

  function linksOf(page: string): string[] {
    const text = readFileSync(join(consumer.installed, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
    return [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, target = '']) => target)
  }

  function leadsTo(page: string, target: string): boolean {
    return existsSync(join(consumer.installed, dirname(page), target))
  }

  it('are led to by the README, which names as a clone\u2019s what is not among them', () => {
    const away = linksOf('README.md').filter((target) => !leadsTo('README.md', target))
    expect(away.filter((target) => !OF_A_CLONE.test(target))).to.deep.equal([])
    expect(away).to.not.include.members(['docs/api/README.md', 'docs/architecture.svg'])
  })

  it('have the pictures that they show', () => {
    const pictures = linksOf('README.md').filter((target) => target.endsWith('.svg'))
    expect(pictures).to.have.lengthOf(2)
    for (const picture of pictures) expect(leadsTo('README.md', picture), picture).to.equal(true)
  })

  it('lead from one page of the API reference to another', () => {
    const pages = readdirSync(join(consumer.installed, 'docs/api'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs/api', name))
    expect(pages).to.have.lengthOf(6)
    for (const page of pages) {
      for (const target of linksOf(page)) expect(leadsTo(page, target), `${page}: ${target}`).to.equal(true)
    }
  })
})
