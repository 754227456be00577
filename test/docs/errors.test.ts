import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { errorCodes } from 'wormhole-ipc'

const root = new URL('../../../', import.meta.url)
const codes = Object.keys(errorCodes)
const page = read('docs/errors.md')

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

function files(folder: string, ending: string): string[] {
  const names = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}${name}`)
}

function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}

describe('docs/errors.md', () => {
  it('has a row for each code, in the order of the table of codes', () => {
    expect(all(page, /^\| \[`(ERR_\w+)`\]/gm)).to.deep.equal(codes)
  })

  it('links each row to its section', () => {
    for (const [, code, anchor] of page.matchAll(/^\| \[`(ERR_\w+)`\]\(#(\w+)\)/gm)) {
      expect(anchor).to.equal(code?.toLowerCase())
    }
  })

  it('has a section for each code, in the same order', () => {
    expect(all(page, /^## (ERR_\w+)$/gm)).to.deep.equal(codes)
  })

  for (const [code, meaning] of Object.entries(errorCodes)) {
    it(`says what ${code} means, when it comes, what it carries and what to do`, () => {
      const section = page.split(`\n## ${code}\n`)[1]?.split('\n## ')[0] as string
      expect(section.trim().split('\n\n')[0]).to.equal(meaning)
      expect(all(section, /^- \*\*([A-Z][a-z]+(?: channel)?)/gm)).to.deep.equal([
        'When',
        'Carries',
        'Do',
        'The channel',
      ])
    })
  }
})

describe('the table of error codes', () => {
  const sources = files('lib/', '.ts').map((path) => [path, read(path)] as const)

  it('has every code that the sources name, and no other', () => {
    const named = new Set(sources.flatMap(([, text]) => all(text, /'(ERR_WORMHOLE_\w+)'/g)))
    expect([...named].sort()).to.deep.equal(codes)
  })

  it('has every code that a comment or a page names', () => {
    const pages = [...files('docs/', '.md').filter((path) => !path.startsWith('docs/api/')), 'README.md'].map(
      (path) => [path, read(path)] as const
    )
    for (const [path, text] of [...sources, ...pages]) {
      for (const code of all(text, /\b(ERR_WORMHOLE_\w+)/g)) expect(codes, path).to.include(code)
    }
  })

  it('says what each means in one sentence', () => {
    for (const meaning of Object.values(errorCodes)) expect(meaning).to.match(/^[A-Z][^\n]+\.$/)
  })
})
