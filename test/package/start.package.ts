import { expect } from 'chai'
import { Consumer } from './consumer.js'

/** How many files of the package each entry may load: what most programs need is in one of them. */
const MOST_FILES = { index: 2, process: 3, pool: 5 }

/** The functions that the package loads late, by entry. */
const LATE = { index: ['select', 'merge'], process: ['fork', 'spawn', 'forkAndRun'] } as const

const FIRST_MESSAGE = `
  const { channel } = require('wormhole-ipc')
  const [sender, receiver] = channel()
  sender.send('first').then(() => receiver.recv()).then(tell)`

describe('the start of a program with the installed package', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
  })
  after(() => consumer.remove())

  /** Runs a program that ends with `tell()`; returns the CommonJS files of the package that it has loaded. */
  function loaded(name: string, text: string): string[] {
    const main = consumer.write(
      name,
      `${name.endsWith('.mjs') ? "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n" : ''}
      const tell = () => console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes('/dist/'))))
      ${text}`
    )
    const { stdout, stderr } = consumer.run([main])
    expect(stderr).to.equal('')
    return (JSON.parse(stdout) as string[]).map((file) => file.slice(file.lastIndexOf('/dist/') + '/dist/'.length))
  }

  for (const [entry, most] of Object.entries(MOST_FILES)) {
    const subpath = entry === 'index' ? '' : `/${entry}`

    it(`loads ${most} files for require('wormhole-ipc${subpath}')`, () => {
      const files = loaded('start.cjs', `require('wormhole-ipc${subpath}'); tell()`)
      expect(files)
        .to.include.members([`${entry}.js`, 'parts/core.js'])
        .and.have.lengthOf.at.most(most)
    })

    it(`loads ${most} files of CommonJS for import 'wormhole-ipc${subpath}'`, () => {
      const files = loaded('start.mjs', `await import('wormhole-ipc${subpath}'); tell()`)
      expect(files)
        .to.include.members([`${entry}-import.js`, 'parts/core.js'])
        .and.have.lengthOf.at.most(most)
    })
  }

  it('loads no other file for a first message', () => {
    expect(loaded('first.cjs', FIRST_MESSAGE)).to.have.lengthOf(MOST_FILES.index)
  })

  it('loads by its first call what few programs call', () => {
    const select = `const { channel, select } = require('wormhole-ipc')
      const [sender, receiver] = channel()
      sender.send(1).then(() => select({ receiver })).then(tell)`
    expect(loaded('select.cjs', select)).to.include('parts/select.js')
  })

  it('shows of these functions the names and the numbers of parameters that they have', async () => {
    for (const [entry, names] of Object.entries(LATE)) {
      const main = consumer.write(
        'names.cjs',
        `const entry = require(${JSON.stringify(entry === 'index' ? 'wormhole-ipc' : `wormhole-ipc/${entry}`)})
        console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => [entry[name].name, entry[name].length])))`
      )
      const single = (await import(`#lib/${entry}`)) as Record<string, (...args: unknown[]) => unknown>
      expect(JSON.parse(consumer.run([main]).stdout)).to.deep.equal(
        names.map((name) => [single[name]!.name, single[name]!.length])
      )
    }
  })

  it('says what happened if a file cannot be loaded then, and loads it by a later call', () => {
    const main = consumer.write(
      'full.cjs',
      `const fs = require('node:fs')
      const { channel, select } = require('wormhole-ipc')
      const { forkAndRun } = require('wormhole-ipc/process')
      const [sender, receiver] = channel()
      sender.sendSync('still there')
      const open = []
      try { for (;;) open.push(fs.openSync('/dev/null')) } catch {}
      const failed = ({ name, code, syscall }) => [name, code, syscall].join()
      const said = []
      try { select({ receiver }) } catch (error) { said.push(failed(error)) }
      forkAndRun('./none.js').catch((error) => said.push(failed(error))).then(async () => {
        for (const fd of open) fs.closeSync(fd)
        said.push(await select({ receiver }))
        console.log(JSON.stringify(said))
      })`
    )
    const { stdout, stderr } = consumer.run(['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, main], 'sh')
    expect(stderr).to.equal('')
    expect(JSON.parse(stdout)).to.deep.equal([
      'WormholeError,ERR_WORMHOLE_SYSTEM,open',
      'WormholeError,ERR_WORMHOLE_SYSTEM,open',
      ['receiver', 'still there'],
    ])
  })
})
