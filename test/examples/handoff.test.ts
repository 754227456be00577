import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { createAcceptor } from '../../examples/handoff/acceptor.js'
import type { Visit } from '../../examples/handoff/protocol.js'
import { crashIn, itHasCommandLine, runExample, startExample } from '../helpers/example.js'
import { fill, turn } from '../helpers/fill.js'
import { addressOf, textFrom } from '../helpers/net.js'

/** Turns of the event loop in which an acceptor that reads would have read. */
const TURNS = 20

function checkEchoes(output: string, workers: number, clients: number): void {
  const lines = [...output.matchAll(/^worker (\d+): (\d+) connections, (\d+) bytes, (\d+) right echoes$/gm)]
  expect(new Set(lines.map(([, pid]) => pid)).size).to.equal(workers)
  for (const [, , connections, , right] of lines) {
    expect(Number(connections)).to.equal(clients / workers)
    expect(right).to.equal(connections)
  }
  expect(output).to.include(`\n${clients} clients: ${clients} right echoes, 0 wrong\n`)
}

describe('the handoff example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'handoff-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('serves TCP clients by several processes, each from its first byte to its last', async () => {
    checkEchoes(await runExample('handoff'), 3, 60)
  })

  it('serves clients of a Unix socket by several processes, each from its first byte to its last', async () => {
    const path = join(folder, 'socket')
    checkEchoes(await runExample('handoff', ['--workers', '4', '--clients', '80', '--unix', path]), 4, 80)
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('fails when its workers do', async () => {
    const { code, stdout } = await startExample('handoff', [], crashIn('worker.js')).ended
    expect(stdout).to.match(/^60 clients: 0 right echoes, 60 wrong\nclient \d+: /)
    expect(code).to.equal(1)
  })

  describe('its acceptor', () => {
    let acceptor: Server
    afterEach(async () => {
      // Ends with the acceptor's last descriptor of a connection.
      if (acceptor.listening) await once(acceptor.close(), 'close')
    })

    for (const kind of ['tcp', 'unix'] as const) {
      async function accept(...args: Parameters<typeof createAcceptor>): Promise<void> {
        acceptor = createAcceptor(...args)
        await once(
          acceptor.listen(kind === 'tcp' ? { port: 0, host: '127.0.0.1' } : { path: join(folder, 'acceptor') }),
          'listening'
        )
      }

      it(`leaves in a ${kind} connection what comes while no worker takes it`, async () => {
        const [sender, receiver] = channel<Visit>()
        await accept([sender])
        const queued = fill(sender, () => ({}))
        const client = connect({ host: '127.0.0.1', ...addressOf(acceptor) })
        await once(acceptor, 'connection')
        await new Promise((resolve) => client.write('first and ', resolve))
        for (let count = 0; count < TURNS; count++) await turn()
        client.end('last')

        for (let count = 0; count < queued; count++) await receiver.recv()
        const [, [fd]] = await receiver.recvWithFds()
        expect(await textFrom(fd!.toSocket())).to.equal('first and last')
        client.destroy()
        sender.close()
        receiver.close()
      })

      it(`gives a ${kind} connection to the next worker when the one in turn is gone`, async () => {
        const [gone, lost] = channel<Visit>()
        const [sender, receiver] = channel<Visit>()
        lost.close()
        await accept([gone, sender])
        for (let number = 0; number < 3; number++) {
          const client = connect({ host: '127.0.0.1', ...addressOf(acceptor) })
          client.end(`hello ${number}`)
          const [visit, [fd]] = await receiver.recvWithFds()
          expect(visit.from).to.equal(kind === 'tcp' ? `${client.localAddress}:${client.localPort}` : undefined)
          expect(await textFrom(fd!.toSocket())).to.equal(`hello ${number}`)
          client.destroy()
        }
        for (const end of [gone, sender, receiver]) end.close()
      })
    }
  })

  itHasCommandLine(
    'handoff',
    ['--workers', '--clients', '--bytes', '--unix'],
    ['--workers=0', '--clients=1.5', '--bytes=10000001', '--unix']
  )
})
