import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { expect } from 'chai'
import { MESSAGE_LIMIT } from '#lib/core/options'
import { native } from '#lib/os/addon'
import { control } from '#lib/os/control'
import { view } from '#lib/os/memory'
import { ERRNO } from '#lib/os/syscalls'
import { wasm } from '#lib/wire/wasm'
import { turn } from '../helpers/fill.js'

// @types/node leaves WebAssembly to the DOM's types.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
    static imports(module: Module): { module: string; name: string; kind: string }[]
  }
  class Instance {
    constructor(module: Module, imports: object)
  }
  class Memory {
    constructor(options: { initial: number; maximum: number; shared: boolean })
  }
}

const root = new URL('../../../', import.meta.url)

function source(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

/** Every first group of `pattern` in `text`. */
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}

/** The text between a line and the next that ends its block. */
function block(text: string, firstLine: string): string {
  const from = text.indexOf(firstLine)
  expect(from, firstLine).to.be.greaterThan(-1)
  return text.slice(from + firstLine.length, text.indexOf('\n}', from))
}

/** Files of a folder, each with its text. */
function sources(folder: string): [path: string, text: string][] {
  return readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|cc|h)$/.test(name))
    .map((name) => [`${folder}/${name}`, source(`${folder}/${name}`)])
}

describe('the WebAssembly module', () => {
  const binary = readFileSync(new URL('../wormhole.wasm', import.meta.resolve('#lib/wire/wasm')))

  it('exports what assembly/index.ts lists, and nothing else', () => {
    const lists = all(source('assembly/index.ts'), /export \{([^}]*)\}/g)
    const listed = lists.flatMap((list) => list.split(',').map((name) => name.trim())).filter((name) => name !== '')
    expect(listed).to.have.length.greaterThan(10)
    expect(Object.keys(wasm).sort()).to.deep.equal(listed.sort())
  })

  it('exports what lib/wire/wasm.ts declares', () => {
    const declared = all(block(source('lib/wire/wasm.ts'), 'export interface Wasm {'), /^ {2}(?:readonly )?(\w+)[:(]/gm)
    expect(Object.keys(wasm).sort()).to.deep.equal(declared.sort())
  })

  it('exports the constants of assembly/layout.ts with their values', () => {
    const written = [...source('assembly/layout.ts').matchAll(/^export const (\w+): i32 = (.+)$/gm)]
    expect(written).to.have.length.greaterThan(10)
    for (const [, name, value] of written) {
      const factors = (value as string).split('*').map(Number)
      const product = factors.reduce((left, right) => left * right)
      expect(wasm[name as 'HEADER_BYTES'].value, name).to.equal(product)
    }
  })

  it('imports its memory and nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(binary))
    expect(imports).to.deep.equal([{ module: 'env', name: 'memory', kind: 'memory' }])
  })

  it('runs over shared memory, and over no other', () => {
    expect(view.buffer).to.be.instanceOf(SharedArrayBuffer)
    const limits = { initial: 16, maximum: 65536 }
    const over = (shared: boolean) => () =>
      new WebAssembly.Instance(new WebAssembly.Module(binary), {
        env: { memory: new WebAssembly.Memory({ ...limits, shared }) },
      })
    expect(over(true)).not.to.throw()
    expect(over(false)).to.throw(/shared/)
  })

  it('is smaller than 16 KiB', () => {
    expect(binary.length).to.be.lessThan(16 * 1024)
  })
})

describe('the addon', () => {
  it('exports what lib/os/addon.ts declares', () => {
    const declared = all(
      block(source('lib/os/addon.ts'), 'export interface Native {'),
      /^ {2}(?:readonly )?(\w+)[:(]/gm
    )
    expect(Object.keys(native).sort()).to.deep.equal(declared.sort())
    const constants = all(source('lib/os/addon.ts'), /^ {6}\| '(\w+)'/gm)
    expect(Object.keys(native.constants).sort()).to.deep.equal(constants.sort())
  })

  it("counts the event loop's turns as Node does", async () => {
    const first = native.loopCount()
    for (let left = 3; left > 0; left--) {
      expect(native.loopCount()).to.equal(performance.nodeTiming.uvMetricsInfo.loopCount)
      await turn()
    }
    expect(native.loopCount()).to.be.at.least(first + 2)
  })

  it('reads the clock that Node reads', () => {
    const microseconds = () => Number(process.hrtime.bigint() / 1000n)
    const [before, addons, after] = [microseconds(), native.clock() * 1000, microseconds()]
    expect(Math.round(addons)).to.be.within(before, after)
  })

  it('takes as many descriptors as native/environment.h says and its control array holds', () => {
    const [most] = all(source('native/environment.h'), /kMaxDescriptors = (\d+);/g)
    const [first] = all(source('native/environment.h'), /kControlFirst = (\d+);/g)
    expect(native.constants.SCM_MAX_FD).to.equal(Number(most))
    expect(control.length).to.equal(Number(first) + Number(most))
  })

  it('returns the error numbers that lib/os/syscalls.ts names', () => {
    const numbers: Record<string, number> = constants.errno
    for (const [name, value] of Object.entries(ERRNO)) expect(value, name).to.equal(-(numbers[name] as number))
  })

  it('shares the words of readiness that native/poller.h and lib/os/addon.ts both name', async () => {
    const addon: Record<string, unknown> = { ...(await import('#lib/os/addon')) }
    const words = [...source('native/poller.h').matchAll(/kReady(\w+) = (\d+);/g)]
    expect(words).to.have.length(13)
    for (const [, name, value] of words) {
      const constant = (name as string).replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
      expect(addon[constant], constant).to.equal(Number(value))
    }
  })
})

describe('the two halves', () => {
  it('keep system calls out of assembly/', () => {
    const calls = /socket|sendmsg|recvmsg|\bpoll|epoll|errno|descriptor|\bfds?\b|syscall/i
    for (const [path, text] of sources('assembly')) expect(calls.exec(text)?.[0], path).to.equal(undefined)
  })

  it('keep frames out of native/', () => {
    const framing = /frame|json|prefix|payload|message_length|\bheader_/i
    for (const [path, text] of sources('native')) expect(framing.exec(text)?.[0], path).to.equal(undefined)
  })

  it('meet in few files of lib/', () => {
    const importing = (name: string): string[] =>
      sources('lib')
        .filter(([, text]) => new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from '\\.`, 'm').test(text))
        .map(([path]) => path)
    expect(importing('wasm').filter((path) => !path.startsWith('lib/wire/'))).to.deep.equal([])
    expect(importing('native')).to.have.members([
      'lib/os/control.ts',
      'lib/os/memfd.ts',
      'lib/os/memory.ts',
      'lib/os/poller.ts',
      'lib/os/syscalls.ts',
    ])
  })
})

describe('docs/wire.md', () => {
  it('gives the sizes of assembly/layout.ts and of the addon', () => {
    const text = source('docs/wire.md').replace(/\s+/g, ' ')
    const max = native.constants.SCM_MAX_FD
    expect(text).to.include(`${wasm.HEADER_BYTES.value}-byte header`)
    expect(text).to.include(`Above ${MESSAGE_LIMIT / 2 ** 20} MiB`)
    expect(text).to.include(`${wasm.OUTBOX_BYTES.value / 1024} KiB when we send it`)
    expect(text).to.include(`ours has ${wasm.INBOX_BYTES.value / 2 ** 20} MiB`)
    expect(text).to.include(`n <= ${max}`)
    expect(text).to.include(`n <= ${max - 1}`)
  })
})
