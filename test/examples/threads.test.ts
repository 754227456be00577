import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { chosen } from '../helpers/long.js'
import { runProgram } from '../helpers/program.js'

describe('the threads example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'words-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  function write(name: string, content: string): string {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }

  it('counts the words of several files as one plain loop does', async () => {
    const words = ['a', 'b', 'bé', 'Bé', 'the', 'zürich', 'ὕ', '日本']
    const line = (index: number) => words.slice(0, 1 + (index % words.length)).join(index % 3 === 0 ? ', ' : ' ')
    const lines = Array.from({ length: 30_000 }, (_, index) => line(index))
    const files = [write('1.txt', lines.slice(0, 20_000).join('\n')), write('2.txt', lines.slice(20_000).join('\r\n'))]
    const { code, stdout, stderr } = await runProgram('threads', ['--top', '100', ...files])
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    const counts = new Map<string, number>()
    for (const word of lines.flatMap((all) => all.toLowerCase().split(/[ ,]+/))) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    const printed = stdout.trimEnd().split('\n')
    expect(printed).to.have.members([...counts].map(([word, count]) => `${count} ${word}`))
    const order = printed.map((row) => Number.parseInt(row, 10))
    expect(order).to.deep.equal([...order].sort((a, b) => b - a))
  })

  it('prints as many as asked for', async () => {
    const file = write('few.txt', 'the end of the end of the beginning')
    expect((await runProgram('threads', ['-t', '2', file])).stdout).to.equal('3 the\n2 end\n')
    expect((await runProgram('threads', [write('empty.txt', '')])).stdout).to.equal('')
  })

  it('fails when a file cannot be read', async () => {
    const missing = join(folder, 'missing.txt')
    const { code, stdout, stderr } = await runProgram('threads', [write('there.txt', 'one two'), missing])
    expect(stdout).to.equal('')
    expect(stderr).to.match(/^threads: ENOENT: no such file or directory.*missing\.txt'\n$/)
    expect(code).to.equal(1)
  })

  it('explains itself', async () => {
    const { code, stdout } = await runProgram('threads', ['--help'])
    expect(stdout).to.match(/^Usage: threads/)
    expect(code).to.equal(0)
    for (const args of chosen(1, [['--top', 'ten', 'file'], [], ['--bottom']])) {
      const wrong = await runProgram('threads', args)
      expect(wrong.stderr).to.match(/^threads: .*\nTry/)
      expect(wrong.code).to.equal(2)
    }
  })
})
