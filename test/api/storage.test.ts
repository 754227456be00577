import { expect } from 'chai'
import { fixture, start } from '../helpers/child.js'
import { inTurn } from '../helpers/long.js'

async function run(what: string, hooks: 'hooks' | 'plain') {
  const { stdout, stderr } = await start(process.execPath, ['--expose-gc', fixture('stores'), what, hooks]).ended
  expect(stderr).to.equal('')
  return JSON.parse(stdout)
}

const ways = ['recv', 'recvWithFds', 'iteration', 'batches', 'select', 'merge']

describe('AsyncLocalStorage', () => {
  for (const [index, way] of ways.entries()) {
    it(`shows a schema the store of whoever receives, and nobody else's, and keeps none: ${way}`, async () => {
      const seen = [
        ['first', 'A'],
        ['second', 'B'],
        ['third', 'C'],
      ]
      for (const hooks of inTurn(index, ['plain', 'hooks'] as const)) {
        expect(await run(way, hooks)).to.deep.equal({ seen, retained: [], open: [] })
      }
    })
  }

  it('shows subscribers no store of whoever made the first end', async () => {
    expect(await run('told', 'plain')).to.deep.equal({ seen: [['told', null]], retained: [], open: [] })
  })

  it('is left as it was by a subscriber that enters a store', async () => {
    const seen = [
      ['told', null],
      ['told', null],
    ]
    expect(await run('entered', 'plain')).to.deep.equal({ seen, retained: [], open: [] })
  })
})
