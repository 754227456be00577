import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The folder of the pages that `npm run docs` makes of the docstrings. */
export const API = 'docs/api/'

/** One code block of a document. */
export interface Block {
  language: string
  code: string
  /** The file that it becomes: the name on its first line, as in `// worker.ts`, or its place in the document. */
  file: string
}

/** The README and all documents below `docs/`. */
export function documents(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const pages = below.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))
  return ['README.md', 'CONTRIBUTING.md', ...pages.sort()]
}

/** Lists a document's blocks, in order. The pages of the API have signatures too, which are not programs. */
export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8')
  const found = text.matchAll(
    document.startsWith(API) ? /^#+ Example\n\n```(\w+)\n([\s\S]*?)^```$/gm : /^```(\w+)\n([\s\S]*?)^```$/gm
  )
  return [...found].map(([, language = '', code = ''], index) => {
    const [, file = `${index}.ts`] = /^\/\/ (\w+\.ts)\b/.exec(code) ?? []
    return { language, code, file }
  })
}

/** Returns the folder of a document's compiled programs. */
export function folderOf(document: string): string {
  return join(root, 'out', 'documents', document.replace(/\.md$/, ''))
}

/** Declarations for parts of programs, in documents that do not show the rest. */
const GIVEN = `
declare const sender: import('wormhole-ipc').Sender<{ id: number }>
declare const receiver: import('wormhole-ipc').Receiver<{ id: number }>
declare const owned: import('wormhole-ipc').OwnedFd
declare const listener: import('wormhole-ipc/listen').Listener
declare const link: import('wormhole-ipc/calls').Link
declare const api: import('wormhole-ipc/calls').Caller<{ resize(size: { width: number }): string }>
declare const jobs: import('wormhole-ipc/pool').Pool<unknown, unknown>
declare const connection: Awaited<ReturnType<typeof import('@nats-io/transport-node').connect>>
declare const todo: import('wormhole-ipc/nats').RemoteReceiver<{ id: number }>
declare const done: import('wormhole-ipc/nats').RemoteSender<{ id: number }>
declare const lease: import('wormhole-ipc/nats').Lease<{ id: number }>
declare function handle(message: unknown): void
declare module 'piscina' {
  export class Piscina {
    constructor(options: { filename: string; maxThreads?: number })
    run(task: unknown): Promise<unknown>
    close(): Promise<void>
  }
}
`

/** Type-checks and compiles the TypeScript of documents, each block a module of its own; returns the errors. */
export function compile(pages: readonly string[]): string {
  const top = join(root, 'out', 'documents')
  rmSync(top, { recursive: true, force: true })
  for (const page of pages) {
    const folder = folderOf(page)
    mkdirSync(folder, { recursive: true })
    for (const { language, code, file } of blocksOf(page)) {
      if (language === 'ts') writeFileSync(join(folder, file), `${code}\nexport {}\n`)
    }
  }
  writeFileSync(join(top, 'given.d.ts'), GIVEN)
  const options = { rootDir: '.', outDir: '.', noUnusedLocals: false, sourceMap: false }
  const config = { extends: '../../tsconfig.test.json', compilerOptions: options, include: ['**/*.ts'], exclude: [] }
  writeFileSync(join(top, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules', '.bin', 'tsc')
  return spawnSync(compiler, ['-p', top], { encoding: 'utf8' }).stdout
}
