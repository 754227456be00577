import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { chosen, LONG } from '../helpers/long.js'

const main = fileURLToPath(new URL('../soak/main.js', import.meta.url))

/** All lanes, which `npm run soak -- --short` has too, are many processes. */
const SHARE = LONG ? ['--messages', '2000'] : ['--messages', '200', '--lane', 'survivors']

async function soak(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code, stdout, stderr }
}

describe('the soak program', () => {
  it('tells how it is used', async () => {
    const { code, stdout, stderr } = await soak('--help')
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    for (const option of ['--messages', '--seconds', '--short', '--seed', '--keep']) expect(stdout).to.include(option)
  })

  for (const args of chosen(1, [
    ['--seed', '1.5'],
    ['--lane', 'fast'],
    ['--messages', 'many'],
    ['--seconds', '-1'],
    ['--long'],
  ])) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await soak(...args)
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' })
      expect(stderr).to.match(/^soak: .*--.*\nTry 'soak --help'\.\n$/s)
    })
  }

  it('prints a ledger of its lanes, and that all was kept', async () => {
    const { code, stdout, stderr } = await soak('--seed', '7', ...SHARE)
    expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: '' })
    for (const column of ['in all', 'survivors', 'held by killed', 'Seed 7']) expect(stdout).to.include(column)
    expect(stdout).to.match(/\nEvery promise was kept\.\n$/)
  })
})
