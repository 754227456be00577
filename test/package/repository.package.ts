import { expect } from 'chai'

const scripts = new URL('../../../scripts/pack/', import.meta.url)
const { published } = (await import(`${scripts}entries.mjs`)) as {
  published(manifest: object): { homepage?: string; bugs?: string }
}
const { withLiveLinks } = (await import(`${scripts}pages.mjs`)) as {
  withLiveLinks(page: string, text: string, has: (path: string) => boolean, place?: string): string
}

const TEXT = 'See [the harness](../bench/README.md#adding), [errors](errors.md) and ![rates](charts/rates.svg).'
const has = (path: string) => path === 'docs/errors.md'

describe('the repository of the package', () => {
  it('is in one field of package.json, from which the others come', () => {
    const manifest = { exports: { '.': { default: './dist/index.js' } }, bin: {} }
    expect(published(manifest)).not.to.have.any.keys('homepage', 'bugs')
    for (const repository of ['git+https://example.org/a/b.git', { url: 'https://example.org/a/b' }]) {
      const { homepage, bugs } = published({ ...manifest, repository })
      expect([homepage, bugs]).to.deep.equal(['https://example.org/a/b#readme', 'https://example.org/a/b/issues'])
    }
  })

  it('is where links lead to what the package does not have', () => {
    expect(withLiveLinks('docs/page.md', TEXT, has, 'https://example.org/a/b/blob/v1/')).to.equal(
      'See [the harness](https://example.org/a/b/blob/v1/bench/README.md#adding), [errors](errors.md) and ' +
        '![rates](https://example.org/a/b/blob/v1/docs/charts/rates.svg?raw=true).'
    )
  })

  it('is left out of links as long as nobody has said where it is', () => {
    expect(withLiveLinks('docs/page.md', TEXT, has)).to.equal(
      'See the harness, [errors](errors.md) and *rates* (a chart of the repository).'
    )
  })

  it('changes nothing in the code of a page', () => {
    const code = '```md\n[the harness](../bench/README.md)\n```\n'
    expect(withLiveLinks('docs/page.md', code, has)).to.equal(code)
  })
})
