import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { API, root } from '../helpers/code-blocks.js'

interface Section {
  title: string
  /** What stands under the heading, up to the next heading of any level. */
  text: string
  parts: Section[]
}

/** The sections of a page as its headings nest; what is in code blocks is no heading. */
function sectionsOf(path: string): Section[] {
  const page: Section = { title: path, text: '', parts: [] }
  const open: { level: number; section: Section }[] = [{ level: 0, section: page }]
  let inCode = false
  for (const line of readFileSync(join(root, API, path), 'utf8').split('\n')) {
    if (line.startsWith('```')) inCode = !inCode
    const [, marks, title = ''] = inCode ? [] : (/^(#+) (.*)$/.exec(line) ?? [])
    if (marks === undefined) {
      const last = open.at(-1) as { section: Section }
      last.section.text += `${line}\n`
      continue
    }
    const section: Section = { title: title.replaceAll('\\', ''), text: '', parts: [] }
    while ((open.at(-1) as { level: number }).level >= marks.length) open.pop()
    open.at(-1)?.section.parts.push(section)
    open.push({ level: marks.length, section })
  }
  return page.parts[0]?.parts ?? []
}

/** Whether there is a sentence, beside code and tables. */
function says(section: Section): boolean {
  const prose = section.text.replace(/^```[\s\S]*?^```$/gm, '').replace(/^(\||\*\*\*).*$/gm, '')
  return /[A-Z][^\n]+/.test(prose)
}

function hasExample(section: Section): boolean {
  return section.parts.some(({ title, text }) => title === 'Example' && text.includes('```ts'))
}

/** What each way of calling a function has of its own, or the one section of anything else. */
function signatures(section: Section): Section[] {
  const overloads = section.parts.filter(({ title }) => title === 'Call Signature')
  return overloads.length > 0 ? overloads : [section]
}

/** The members of one group (methods, properties) of classes and interfaces. */
function parts(sections: Section[], group: string): Section[] {
  return sections.flatMap((section) =>
    section.parts.filter(({ title }) => title === group).flatMap((found) => found.parts)
  )
}

const entries = [
  { path: 'wormhole-ipc.md', exports: await import('wormhole-ipc') },
  { path: 'wormhole-ipc/process.md', exports: await import('wormhole-ipc/process') },
  { path: 'wormhole-ipc/socket.md', exports: await import('wormhole-ipc/socket') },
]

for (const { path, exports } of entries) {
  describe(`${API}${path}`, () => {
    const groups = sectionsOf(path).filter(({ title }) => title !== 'References')
    const names = groups.flatMap((group) => group.parts)
    const again = sectionsOf(path).filter(({ title }) => title === 'References')

    it('has all that the entry exports', () => {
      const titles = [...names, ...again.flatMap((group) => group.parts)].map(({ title }) => title.replace('()', ''))
      expect(titles).to.include.members(Object.keys(exports))
    })

    it('says of each name what it is, with an example', () => {
      for (const name of names) {
        expect(signatures(name).every(says), name.title).to.equal(true)
        expect(signatures(name).every(hasExample), `an example of ${name.title}`).to.equal(true)
      }
    })

    it('says of each method what it does, with an example', () => {
      for (const method of parts(names, 'Methods')) {
        expect(says(method), method.title).to.equal(true)
        expect(hasExample(method), `an example of ${method.title}`).to.equal(true)
      }
    })

    it('says of each property what it is', () => {
      for (const property of parts(names, 'Properties')) expect(says(property), property.title).to.equal(true)
      // Their text is one level lower, under the getter's signature.
      for (const accessor of parts(names, 'Accessors')) {
        expect(accessor.parts.some(says), accessor.title).to.equal(true)
      }
    })
  })
}
