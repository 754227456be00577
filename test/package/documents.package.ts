import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { Consumer } from './consumer.js'

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

  it('lead nowhere else than to what is there', () => {
    const pages = readdirSync(consumer.installed, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md')
    )
    expect(pages).to.include.members([
      'README.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'docs/bundling.md',
      'docs/reliability.md',
    ])
    const dead = pages.flatMap((page) =>
      linksOf(page)
        .filter((target) => !leadsTo(page, target))
        .map((target) => `${page}: ${target}`)
    )
    expect(dead).to.deep.equal([])
  })

  it('are led to by the README, and so are the examples', () => {
    expect(linksOf('README.md')).to.include.members(['docs/api/README.md', 'docs/errors.md', 'examples/'])
    expect(leadsTo('README.md', 'examples/service/main.ts')).to.equal(true)
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
    expect(pages).to.have.lengthOf(8)
    for (const page of pages) {
      for (const target of linksOf(page)) expect(leadsTo(page, target), `${page}: ${target}`).to.equal(true)
    }
  })
})
