import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { type BuildOptions, build } from 'esbuild-wasm'
import { Consumer } from './consumer.js'

describe('the package in a bundle of esbuild', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
    consumer.write('double.mjs', 'export default (number) => number * 2')
    consumer.write(
      'src/main.js',
      `import { resolve } from 'node:path'
      import { channel } from 'wormhole-ipc'
      import { forkAndRun } from 'wormhole-ipc/process'
      const [sender, receiver] = channel()
      sender.send(20)
      receiver.recv().then((number) => forkAndRun(resolve('double.mjs'), number + 1)).then(console.log)`
    )
  })
  after(() => consumer.remove())

  async function bundle(outfile: string, options: BuildOptions): Promise<string> {
    await build({
      absWorkingDir: consumer.folder,
      entryPoints: ['src/main.js'],
      outfile,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      ...options,
    })
    return resolve(consumer.folder, outfile)
  }

  it('calls its classes by their names in a minified bundle', async () => {
    consumer.write(
      'src/names.js',
      `import { channel, OwnedFd } from 'wormhole-ipc'
      const [sender, receiver] = channel()
      console.log([sender, receiver].map((end) => end.constructor.name).join(), OwnedFd.name)
      receiver.close()
      sender.send(1).catch(() => sender.clone()).catch(({ message }) => console.log(message))`
    )
    const main = await bundle('out/names.mjs', { entryPoints: ['src/names.js'], format: 'esm', minify: true })
    const { stdout } = consumer.run([main])
    expect(stdout).to.equal('Sender,Receiver OwnedFd\nevery receiving end of the channel is gone\n')
  })

  for (const format of ['esm', 'cjs'] as const) {
    const file = `out/main.${format === 'esm' ? 'mjs' : 'cjs'}`

    it(`works where it is left external (${format})`, async () => {
      const { stdout } = consumer.run([await bundle(file, { format, external: ['wormhole-ipc'] })])
      expect(stdout).to.equal('42\n')
    })

    it(`works where its code is taken in, and its files stay in node_modules (${format})`, async () => {
      const { stdout } = consumer.run([await bundle(file, { format })])
      expect(stdout).to.equal('42\n')
    })

    it(`says in one sentence that its files are not there (${format})`, async () => {
      const away = mkdtempSync(join(tmpdir(), 'wormhole-bundle-'))
      try {
        const main = await bundle(join(away, file), { format })
        const { status, stderr } = consumer.run([main])
        expect(status).to.equal(1)
        expect(stderr).to.match(
          /WormholeError: wormhole-ipc was bundled without its addon and its WebAssembly: [^.]*\n/
        )
      } finally {
        rmSync(away, { recursive: true })
      }
    })
  }
})
