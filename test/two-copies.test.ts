import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { type Copies, useBoth } from './fixtures/two-copies.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

// Each copy keeps an epoll instance for as long as its thread lives: descriptors are not counted here.
describe('two copies of the package in one process', () => {
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'copies-'))
    for (const copy of ['first', 'second']) {
      mkdirSync(join(folder, copy))
      for (const part of ['dist', 'package.json'])
        cpSync(join(root, part), join(folder, copy, part), { recursive: true })
      mkdirSync(join(folder, copy, 'build'))
      cpSync(join(root, 'build/Release'), join(folder, copy, 'build/Release'), { recursive: true })
      symlinkSync(join(root, 'node_modules'), join(folder, copy, 'node_modules'))
    }
    writeFileSync(
      join(folder, 'child.mjs'),
      `import { inherited } from './second/dist/process.js'
       await inherited().toUs.send('from the child')
       process.disconnect?.()`
    )
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const kinds: Record<string, () => Copies> = {
    'at two paths': () => copies('second/dist', ''),
    'of one path, evaluated twice over one addon': () => copies('first/dist', '?again'),
  }

  /** The second copy is in `place`, whose modules have `query`. */
  function copies(place: string, query: string): Copies {
    return {
      first: join(folder, 'first/dist/index.js'),
      second: query === '' ? join(folder, place, 'index.js') : join(again(), 'index.js'),
      secondProcess: query === '' ? join(folder, place, 'process.js') : join(again(), 'process.js'),
      child: join(folder, 'child.mjs'),
    }
  }

  /** The first copy's modules once more, beside it, over the same addon: as a module registry that is reset makes them. */
  function again(): string {
    const place = join(folder, 'first/again')
    cpSync(join(root, 'dist'), place, { recursive: true })
    return place
  }

  for (const [kind, files] of Object.entries(kinds)) {
    for (const thread of ['the main thread', 'a worker']) {
      it(`work beside each other, move each other's ends, and refuse what they cannot share: ${kind}, in ${thread}`, async () => {
        const told = thread === 'a worker' ? await inWorker(files()) : await useBoth(files())
        expect(told.select).to.match(/^select\(\): "a" is of another copy of wormhole-ipc/)
        expect(told.merge).to.match(/^merge\(\): "a" is of another copy of wormhole-ipc/)
        const { select: _, merge: __, ...rest } = told
        expect(rest).to.deep.equal({
          distinct: true,
          both: ['one', 'two'],
          texts: [true, true, true, true],
          moved: [true, -1, -1],
          arrived: 'through both',
          gone: 'ERR_WORMHOLE_DISCONNECTED',
          instance: true,
          fromChild: 'from the child',
          childsEnd: true,
        })
      })
    }
  }
})

async function inWorker(files: Copies): Promise<Record<string, unknown>> {
  const worker = new Worker(new URL('./fixtures/two-copies.js', import.meta.url), { workerData: files })
  // The last message and the end may come in one turn: both are listened for from the beginning.
  const [[told]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  return told
}
