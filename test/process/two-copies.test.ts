import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { type Copies, useBoth } from '../fixtures/two-copies.js'
import { start } from '../helpers/child.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

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
    const second = query === '' ? join(folder, place) : again()
    return {
      first: join(folder, 'first/dist/index.js'),
      firstCalls: join(folder, 'first/dist/calls.js'),
      second: join(second, 'index.js'),
      secondProcess: join(second, 'process.js'),
      secondCalls: join(second, 'calls.js'),
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
          withFds: ['given', 1],
        })
      })
    }
  }
})

describe('many copies of the package in one process', () => {
  it('have one listener for its end, at which each hands over what its senders hold', async () => {
    const dist = new URL('../../../dist/', import.meta.url)
    const code = `
      const ends = []
      const listeners = new Set()
      for (let copy = 0; copy < 12; copy++) {
        const { channel } = await import(process.argv[1 + copy])
        ends.push(channel())
        listeners.add(process.listenerCount('exit'))
      }
      console.log(listeners.size)
      process.on('exit', () => console.log(ends.map(([, receiver]) => receiver.tryRecv()).join()))
      for (const [copy, [sender]] of ends.entries()) void sender.send(copy)
      process.exit()`
    const folder = mkdtempSync(join(tmpdir(), 'many-copies-'))
    try {
      for (const part of ['node_modules', 'build', 'package.json']) symlinkSync(join(root, part), join(folder, part))
      const copies = Array.from({ length: 12 }, (_, copy) => {
        cpSync(dist, join(folder, `copy-${copy}`), { recursive: true })
        return join(folder, `copy-${copy}`, 'index.js')
      })
      const ended = await start(process.execPath, ['--input-type=module', '-e', code, ...copies]).ended
      expect(ended).to.include({
        stdout: `1\n${copies.map((_, copy) => copy).join()}\n`,
        stderr: '',
        code: 0,
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

async function inWorker(files: Copies): Promise<Record<string, unknown>> {
  const worker = new Worker(new URL('../fixtures/two-copies.js', import.meta.url), { workerData: files })
  // The last message and the end may come in one turn: both are listened for from the beginning.
  const [[told]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  return told
}
