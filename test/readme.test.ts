import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { start } from './helpers/child.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, 'out', 'readme')

/** The TypeScript blocks of a document, in order. */
function blocks(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string)
}

/** Type-checks and compiles every block as a file of its own, each named after its place. */
function compile(code: string[]): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [index, text] of code.entries()) writeFileSync(join(folder, `${index}.ts`), `${text}\nexport {}\n`)
  const options = { rootDir: '.', outDir: '.', noUnusedLocals: false, sourceMap: false }
  const config = { extends: '../../tsconfig.test.json', compilerOptions: options, include: ['*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules', '.bin', 'tsc')
  const { status, stdout } = spawnSync(compiler, ['-p', folder], { encoding: 'utf8' })
  expect(status, stdout).to.equal(0)
}

async function outputOf(index: number): Promise<string> {
  const { code, stdout, stderr } = await start(process.execPath, [join(folder, `${index}.js`)]).ended
  expect(code, stderr).to.equal(0)
  expect(stderr).to.equal('')
  return stdout
}

describe('the README, whose code is type-checked with that of the documents', () => {
  const others = ['README.md', 'docs/migrating-from-process-send.md'].flatMap(blocks)
  const observability = blocks('docs/observability.md')
  before(() => compile([...others, ...observability]))

  it('brings a message from a child to its parent, as printed', async () => {
    expect(await outputOf(0)).to.equal("{ a: 1776, b: 'hello world!', c: [ 5, 4, 3, 2, 1 ] }\n")
  })

  it('brings a file descriptor along with a message, as printed', async () => {
    expect(await outputOf(1)).to.equal('package.json true\n')
  })

  it('selects between two channels, as printed', async () => {
    expect((await outputOf(2)).trim().split('\n').sort()).to.deep.equal(['job 1', 'stop: enough'])
  })
  it('shows what stats() and the events tell, as printed', async () => {
    const outputs = await Promise.all(observability.map((_, index) => outputOf(others.length + index)))
    expect(outputs).to.deep.equal(['1 2 true\n', '2\n0\n'])
  })
})
