import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values<{ types?: string }>(manifest.exports).flatMap(({ types }) => types ?? [])

/** The declaration files that an importer's compiler reads: the entries, and what they import of ours. */
function declarations(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  const imports = readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)
  for (const [, file] of imports) declarations(join(dirname(path), `${file}.d.ts`), found)
  return found
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

describe('the declarations that importers read', () => {
  const files = new Set(entries.flatMap((entry) => [...declarations(join(root, entry))]))

  it('are those of every public class', () => {
    const names = [...files].map((file) => relative(join(root, 'dist'), file))
    expect(names).to.include.members([
      'index.d.ts',
      'process.d.ts',
      'socket.d.ts',
      'channel/sender.d.ts',
      'channel/receiver.d.ts',
    ])
  })

  it("say the type of everything: none is any, but for the messages of a link, which are not its users'", () => {
    const untyped = [...files]
      .filter((file) => !file.endsWith('/dist/channel/link.d.ts'))
      .filter((file) => /\bany\b/.test(withoutComments(readFileSync(file, 'utf8'))))
    expect(untyped).to.deep.equal([])
  })
})
