import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { publint } from 'publint'
import { tarball } from './consumer.js'

const require = createRequire(import.meta.url)

describe('the package for those who look at packages', () => {
  it('has nothing that publint would change', async () => {
    const { messages } = await publint({
      pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
      strict: true,
    })
    expect(messages).to.deep.equal([])
  })

  it('has the right types for every way of importing it that TypeScript knows', () => {
    const folder = dirname(require.resolve('@arethetypeswrong/cli/package.json'))
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: { attw: string } }
    const args = [join(folder, bin.attw), tarball, '--no-emoji', '--format', 'ascii']
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(status, stdout).to.equal(0)
  })
})
