import { closeSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { expect } from 'chai'
import { type FdSource, OwnedFd, type Sender, type WormholeErrorCode } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { isOpen, openText, textOf } from '../helpers/files.js'
import { fill } from '../helpers/fill.js'
import { connection } from '../helpers/net.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

/** A number that is open nowhere. */
const NOT_OPEN = 987_654

describe('descriptors that are moved', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()
  const ownText = (text: string): OwnedFd => keep(new OwnedFd(openText(text)))

  it('closes an OwnedFd here once the kernel has it', async () => {
    const [sender, receiver] = open()
    const owned = ownText('moved')
    const { fd } = owned
    await sender.sendWithFds('moved', [owned])
    expect([owned.fd, isOpen(fd)]).to.deep.equal([-1, false])
    throwsCode(() => owned.detach(), 'ERR_WORMHOLE_CLOSED')
    const [, [received]] = await receiver.recvWithFds()
    expect(textOf(keep(received as OwnedFd))).to.equal('moved')
  })

  it('lets nobody use an OwnedFd while the message that moves it waits', async () => {
    const [sender, receiver] = open()
    const full = fill(sender, (index) => index)
    const owned = ownText('waiting')
    const sent = sender.sendWithFds('moved', [owned])
    throwsCode(() => owned.detach(), 'ERR_WORMHOLE_CLOSED')
    throwsCode(() => owned.readStream(), 'ERR_WORMHOLE_CLOSED')
    for (let index = 0; index < full; index++) await receiver.recv()
    await sent
    const [, [received]] = await receiver.recvWithFds()
    expect(textOf(keep(received as OwnedFd))).to.equal('waiting')
  })

  it('gives an OwnedFd back when the send fails', async () => {
    const [sender, receiver] = open()
    receiver.close()
    const owned = ownText('kept')
    await rejectsCode(sender.sendWithFds('moved', [owned]), 'ERR_WORMHOLE_DISCONNECTED')
    expect(textOf(owned)).to.equal('kept')
    expect(owned.detach()).to.be.a('number').that.satisfies(isOpen).and.satisfies(closed)
  })

  it('gives an OwnedFd back when the waiting send is aborted', async () => {
    const [sender] = open()
    fill(sender, (index) => index)
    const owned = ownText('kept')
    const abort = new AbortController()
    const sent = sender.sendWithFds('moved', [owned], { signal: abort.signal })
    const reason = new Error('changed my mind')
    abort.abort(reason)
    expect(await sent.catch((error: unknown) => error)).to.equal(reason)
    expect([textOf(owned), owned.kind]).to.deep.equal(['kept', 'file'])
  })

  it('gives an OwnedFd back when a blocking send has no time left', () => {
    const [sender] = open()
    fill(sender, (index) => index)
    const owned = ownText('kept')
    throwsCode(() => sender.sendWithFdsSync('moved', [owned], { timeout: 1 }), 'ERR_WORMHOLE_TIMEOUT')
    expect([textOf(owned), owned.kind]).to.deep.equal(['kept', 'file'])
  })

  it('closes an OwnedFd that was closed while its message waited, though the send fails', async () => {
    const [sender, receiver] = open()
    fill(sender, (index) => index)
    const owned = ownText('dropped')
    const { fd } = owned
    const sent = sender.sendWithFds('moved', [owned])
    owned.close()
    receiver.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
    expect([owned.fd, isOpen(fd)]).to.deep.equal([-1, false])
  })

  it('moves nothing when a message is unserializable or too large', async () => {
    const [sender, receiver] = open({ maxMessageBytes: 10 })
    const owned = ownText('kept')
    throwsCode(() => void sender.sendWithFds(undefined, [owned]), 'ERR_WORMHOLE_UNSERIALIZABLE')
    await rejectsCode(sender.sendWithFds('x'.repeat(100), [owned]), 'ERR_WORMHOLE_TOO_LARGE')
    expect([textOf(owned), receiver.tryRecv()]).to.deep.equal(['kept', undefined])
  })
})

describe('descriptors that are refused', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  /** Expects that nothing was sent, duplicated or moved. */
  async function refuses(sender: Sender, receiver: { tryRecv(): unknown }, fds: FdSource[], code: WormholeErrorCode) {
    const before = openDescriptors()
    // Whether it throws at once or rejects is not what is tested here.
    await rejectsCode((async () => sender.sendWithFds('refused', fds))(), code)
    throwsCode(() => sender.sendWithFdsSync('refused', fds), code)
    expect(openDescriptors(), 'open descriptors').to.equal(before)
    expect(receiver.tryRecv()).to.equal(undefined)
  }

  it('refuses 254, sends none of them and moves none', async () => {
    const [sender, receiver] = open()
    const owned = keep(new OwnedFd(openText('kept')))
    const numbers = Array<number>(253).fill(owned.fd)
    await refuses(sender, receiver, [...numbers, owned], 'ERR_WORMHOLE_TOO_MANY_FDS')
    expect([textOf(owned), owned.kind]).to.deep.equal(['kept', 'file'])
    await sender.send('next')
    expect(await receiver.recv()).to.equal('next')
  })

  it('refuses the same OwnedFd twice', async () => {
    const [sender, receiver] = open()
    const owned = keep(new OwnedFd(openText('kept')))
    await refuses(sender, receiver, [owned, owned], 'ERR_WORMHOLE_ARGUMENT')
    expect([textOf(owned), owned.kind]).to.deep.equal(['kept', 'file'])
  })

  it('refuses a closed OwnedFd', async () => {
    const [sender, receiver] = open()
    const owned = new OwnedFd(openText('gone'))
    owned.close()
    await refuses(sender, receiver, [owned], 'ERR_WORMHOLE_CLOSED')
  })

  for (const bad of [NOT_OPEN, -1, 1.5, Number.NaN, 2 ** 32, 2 ** 53]) {
    it(`refuses the number ${bad}, and leaves what stands before it alone`, async () => {
      const [sender, receiver] = open()
      const owned = keep(new OwnedFd(openText('kept')))
      await refuses(sender, receiver, [owned, bad], 'ERR_WORMHOLE_BAD_FD')
      expect([textOf(owned), owned.kind]).to.deep.equal(['kept', 'file'])
    })
  }

  it('refuses what has no descriptor: a closed FileHandle, a destroyed socket, null, text', async () => {
    const [sender, receiver] = open()
    const handle = await openFile('/dev/null')
    await handle.close()
    const [near, far] = await connection('tcp')
    near.destroy()
    far.destroy()
    for (const bad of [handle, near, null, 'text', {}, { fd: '3' }, undefined]) {
      await refuses(sender, receiver, [bad as FdSource], 'ERR_WORMHOLE_BAD_FD')
    }
  })

  it('refuses a list of descriptors that is none', async () => {
    const [sender, receiver] = open()
    for (const bad of [undefined, null, 3, 'text', {}]) {
      await refuses(sender, receiver, bad as unknown as FdSource[], 'ERR_WORMHOLE_ARGUMENT')
    }
  })
})

describe('descriptors of a message that fails', () => {
  leavesNoDescriptors()
  const { open, reopen, keep } = closesEnds()
  const refusal = { issues: [{ message: 'no' }] }

  for (const [what, payload] of [
    ['is not JSON', '{"a":'],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ] as const) {
    it(`are closed when it ${what}, and the next message arrives with its own`, async () => {
      const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
      const receiver = keep(new OwnedFd(own).receiver())
      const file = openText('next')
      const before = openDescriptors()
      rawSend(peer, frame(payload), [peer, file])
      rawSend(peer, frame('"next"'), [file])
      await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_MALFORMED')
      expect(openDescriptors()).to.equal(before)
      const [message, fds] = await receiver.recvWithFds()
      expect([message, ...fds.map(keep).map(textOf)]).to.deep.equal(['next', 'next'])
      closeSync(file)
      closeSync(peer)
    })
  }

  for (const [what, bytes] of [
    ['is cut', frame('"whole"').subarray(0, 12)],
    ['has only a part of a header', Buffer.from([7])],
    ['says that it is absurdly long', frame('"short"', 2n ** 63n)],
  ] as const) {
    it(`are closed when its frame ${what}`, async () => {
      const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
      const receiver = keep(new OwnedFd(own).receiver())
      const before = openDescriptors()
      rawSend(peer, bytes, [0, 1, 2])
      const error = await receiver.recvWithFds().catch((reason: unknown) => reason)
      expect(error).to.have.property('code').that.is.oneOf(['ERR_WORMHOLE_MALFORMED', 'ERR_WORMHOLE_TOO_LARGE'])
      expect(openDescriptors()).to.equal(before)
      closeSync(peer)
    })
  }

  it('are closed when it is too large', async () => {
    const [sender, whole] = open()
    const receiver = reopen(whole, { maxMessageBytes: 10 })
    const before = openDescriptors()
    await sender.sendWithFds('x'.repeat(100), [0, 1])
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(openDescriptors()).to.equal(before)
  })

  for (const [how, answer] of [
    ['at once', refusal],
    ['later', Promise.resolve(refusal)],
  ] as const) {
    it(`are closed when the schema refuses it ${how}`, async () => {
      const [sender, plain] = open()
      const schema = { '~standard': { version: 1, vendor: 'test', validate: () => answer } } as const
      const receiver = reopen(plain, { schema })
      const before = openDescriptors()
      await sender.sendWithFds('refused', [0, 1])
      const error = await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_INVALID')
      expect(error.received).to.equal('refused')
      expect(openDescriptors()).to.equal(before)
    })
  }
})

function closed(fd: number): boolean {
  closeSync(fd)
  return true
}
