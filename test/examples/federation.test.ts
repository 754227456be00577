import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { itHasCommandLine, runExample } from '../helpers/example.js'
import { sized } from '../helpers/long.js'
import { natsProgram, needsServer } from '../helpers/nats.js'

describe('the federation example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'federation-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('counts each record once while workers and the server are killed', async function () {
    needsServer(this)
    const record = (id: number) => JSON.stringify({ id, text: 'x'.repeat(id % 500), list: [id] })
    const lines = Array.from({ length: sized(5000, 50_000) }, (_, id) => (id % 997 === 0 ? 'no JSON' : record(id)))
    const file = join(folder, 'records.ndjson')
    writeFileSync(file, lines.join('\n'))
    const kills = sized(4, 40)
    const output = await runExample('federation', [
      '--kills',
      `${kills}`,
      '--nats-server',
      `${natsProgram}`,
      '--input',
      file,
    ])
    expect(output).to.match(/^lost +0$/m)
    expect(output).to.match(/^the counts +are those of one process alone$/m)
    const [, workers, servers] = /^killed +(\d+) workers, the server (\d+) times$/m.exec(output) ?? []
    expect(Number(workers)).to.be.greaterThan(0)
    expect(Number(servers)).to.be.greaterThan(0)
  })

  itHasCommandLine(
    'federation',
    ['--input', '--workers', '--kills', '--nats-server'],
    ['--workers=0', '--kills=few', '--input=']
  )
})
