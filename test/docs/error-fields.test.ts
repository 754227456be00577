import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { channel, errorCodes, select, WormholeError, type WormholeErrorCode } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { type Provocation, provocations } from '../helpers/provoke.js'
import { frame } from '../helpers/reference-framer.js'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

/** The fields that the page says an error of this code carries. */
function documented(code: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| [\`${code}\`]`)) as string
  return [...(row.split(' | ')[2] as string).matchAll(/`(\w+)`/g)].map((match) => match[1] as string).sort()
}

const FIELDS = ['errno', 'syscall', 'received', 'cause', 'key', 'stderr', 'exitCode', 'signal', 'childCode'] as const

async function errorOf(provocation: Provocation): Promise<WormholeError> {
  try {
    await provocation()
  } catch (error) {
    return error as WormholeError
  }
  throw new Error('nothing was thrown')
}

function carried(error: object): string[] {
  return FIELDS.filter((field) => (error as Record<string, unknown>)[field] !== undefined)
}

describe('an error', () => {
  leavesNoDescriptors()

  for (const code of Object.keys(errorCodes) as WormholeErrorCode[]) {
    it(`with the code ${code} carries what docs/errors.md says`, async () => {
      const seen = new Set<string>()
      for (const provocation of provocations[code]) {
        const error = await errorOf(provocation)
        expect(error, String(error)).to.have.property('code', code)
        for (const field of carried(error)) seen.add(field)
        if (carried(error).includes('errno')) expect(error.errno).to.be.lessThan(0)
      }
      expect([...seen].sort()).to.deep.equal(documented(code))
    })
  }

  it('is a WormholeError, with its name and a message that says something', async () => {
    const [provocation] = provocations.ERR_WORMHOLE_BAD_FD
    const error = await errorOf(provocation as Provocation)
    expect(error).to.be.instanceOf(WormholeError).and.instanceOf(Error)
    expect(String(error)).to.equal('WormholeError: -1 is not a descriptor')
    expect(error.stack).to.include('provoke')
  })

  it('has only the fields that mean something', async () => {
    const [provocation] = provocations.ERR_WORMHOLE_TIMEOUT
    const error = await errorOf(provocation as Provocation)
    for (const field of FIELDS) expect(error).not.to.have.own.property(field)
  })

  it('of select names the receiver whose message failed', async () => {
    const [idleSender, idle] = channel()
    const peer = new BarePeer(socket.SOCK_SEQPACKET)
    peer.write(frame('no JSON'))
    const error = await errorOf(() => select({ idle, bad: peer.receiver }))
    expect(error).to.include({ code: 'ERR_WORMHOLE_MALFORMED', key: 'bad', received: 'no JSON' })
    expect(error.cause).to.be.instanceOf(SyntaxError)
    for (const end of [idleSender, idle]) end.close()
    peer[Symbol.dispose]()
  })
})
