import { expect } from 'chai'
import { channel, OwnedFd, type Receiver, type Sender } from 'wormhole-ipc'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { isOpen, openText, withFiles } from '../helpers/files.js'
import { fill, range } from '../helpers/fill.js'
import { collectGarbage, collectUntil, watchesWarnings } from '../helpers/warnings.js'

/** Rounds after which what has not been warned of will not be. */
const QUIET_ROUNDS = 5

describe('garbage collection', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()
  const warnings = watchesWarnings()

  /** Expects one warning, of `what` that had `fd` and of nothing else, and that the descriptor was closed. */
  async function warnsOf(what: string, fd: number): Promise<void> {
    await collectUntil(`a warning of ${what}`, () => warnings.length > 0)
    expect(warnings).to.have.lengthOf(1)
    expect(warnings[0]).to.include({ name: 'WormholeWarning', code: 'WORMHOLE_UNCLOSED' })
    expect(warnings[0]?.message).to.include(`${what} (descriptor ${fd})`).and.not.include(' more')
    expect(isOpen(fd)).to.equal(false)
  }

  /** Expects that all are closed, and answers how many warnings told of them. */
  async function warnsOfAll(fds: number[]): Promise<number> {
    await collectUntil('all are closed', () => !fds.some(isOpen))
    await collectGarbage()
    const told = warnings.map(({ message }) => 1 + Number(/and (\d+) more/.exec(message)?.[1] ?? 0))
    expect(told.reduce((sum, count) => sum + count, 0)).to.equal(fds.length)
    return told.length
  }

  /** Expects that nothing is warned of, not even late. */
  async function isQuiet(): Promise<void> {
    for (let round = 0; round < QUIET_ROUNDS; round++) await collectGarbage()
    expect(warnings).to.deep.equal([])
  }

  it('closes an OwnedFd that nobody closed, with a warning', async () => {
    const fd = (() => new OwnedFd(openText('forgotten')).fd)()
    await warnsOf('OwnedFd', fd)
  })

  it('closes a sender that nobody closed, with a warning, and its receiver sees the end', async () => {
    const forget = (): [number, Receiver] => {
      const [sender, receiver] = channel()
      return [sender.fd, keep(receiver)]
    }
    const [fd, receiver] = forget()
    await warnsOf('Sender', fd)
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('closes a receiver that nobody closed, with a warning, and its sender sees the end', async () => {
    const forget = (): [number, Sender] => {
      const [sender, receiver] = channel()
      return [receiver.fd, keep(sender)]
    }
    const [fd, sender] = forget()
    await warnsOf('Receiver', fd)
    await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('closes a receiver that once waited, and its poll with it', async () => {
    const forget = async (): Promise<[number, Sender]> => {
      const [sender, receiver] = channel()
      const waiting = receiver.recv()
      await keep(sender).send('served')
      await waiting
      return [receiver.fd, sender]
    }
    const [fd, sender] = await forget()
    await warnsOf('Receiver', fd)
    await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('closes received descriptors that nobody took, with the message that has them', async () => {
    const [sender, receiver] = open()
    const take = async (): Promise<number[]> => {
      const [, fds] = await receiver.recvWithFds()
      return fds.map(({ fd }) => fd)
    }
    await withFiles(3, (fds) => sender.sendWithFds('files', fds))
    await warnsOfAll(await take())
  })

  it('tells of all that was collected together in one warning', async () => {
    const fds = range(20).map(() => new OwnedFd(openText('forgotten')).fd)
    expect(await warnsOfAll(fds)).to.be.lessThan(20)
  })

  it('says nothing of what was closed, detached, moved or handed over', async () => {
    const forget = async (): Promise<OwnedFd> => {
      const [sender, receiver] = channel()
      sender.close()
      receiver.close()
      new OwnedFd(openText('closed')).close()
      const again = new OwnedFd(new OwnedFd(openText('detached')).detach())
      again.readStream().destroy()
      const [over, under] = open()
      const [moved, other] = channel()
      await over.sendWithFds('moved', [moved, new OwnedFd(openText('moved'))])
      other.close()
      await under.recv()
      return keep(new OwnedFd(openText('kept')))
    }
    const kept = await forget()
    await isQuiet()
    expect(kept.kind).to.equal('file')
  })

  it('says nothing of ends whose channel has come to its end', async () => {
    const forget = async (): Promise<void> => {
      const [sender, receiver] = channel<number>()
      await sender.send(1)
      sender.close()
      expect(await collect(receiver)).to.deep.equal([1])
      const [other, gone] = channel()
      gone.close()
      await rejectsCode(other.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    }
    await forget()
    await isQuiet()
  })

  it('leaves a receiver alone on which somebody waits', async () => {
    const forget = (): [Sender<string>, Promise<unknown>] => {
      const [sender, receiver] = channel<string>()
      return [keep(sender), receiver.recv().then((message) => [message, receiver.close()])]
    }
    const wait = (): [Sender<string>, Promise<unknown>] => {
      const [sender, receiver] = channel<string>()
      return [keep(sender), receiver.recv()]
    }
    const [first, closing] = forget()
    const [second, waiting] = wait()
    await isQuiet()
    await first.send('one')
    await second.send('two')
    expect(await closing).to.deep.equal(['one', undefined])
    expect(await waiting).to.equal('two')
    await collectUntil('the receiver that nobody closed', () => warnings.length === 1)
  })

  it('leaves a sender alone whose sends wait in a full channel', async () => {
    const forget = (): [Receiver<unknown>, number, Promise<void>] => {
      const [sender, receiver] = channel<number>()
      const full = fill(sender, (index) => index)
      return [keep(receiver), full, sender.send(full)]
    }
    const [receiver, full, sent] = forget()
    await isQuiet()
    for (const index of range(full + 1)) expect(await receiver.recv()).to.equal(index)
    await sent
    await collectUntil('the sender that nobody closed', () => warnings.length === 1)
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('lets a closed sender finish what waits in a full channel', async () => {
    const forget = (): [Receiver<unknown>, number] => {
      const [sender, receiver] = channel<unknown>()
      const full = fill(sender, (index) => index)
      for (const index of range(100)) void sender.send(full + index)
      void sender.send('x'.repeat(5_000_000))
      sender.close()
      return [keep(receiver), full + 100]
    }
    const [receiver, count] = forget()
    await isQuiet()
    const received = await collect(receiver)
    expect(received.slice(0, count)).to.deep.equal(range(count))
    expect(received[count]).to.have.lengthOf(5_000_000)
    await isQuiet()
  })

  it('leaves an OwnedFd alone whose message waits in a full channel', async () => {
    const [sender, receiver] = open<unknown>()
    const full = fill(sender, (index) => index)
    const sent = (() => sender.sendWithFds('moving', [new OwnedFd(openText('on its way'))]))()
    await isQuiet()
    for (const index of range(full)) expect(await receiver.recv()).to.equal(index)
    await sent
    const [message, [owned]] = await receiver.recvWithFds()
    expect([message, keep(owned as OwnedFd).kind]).to.deep.equal(['moving', 'file'])
    await isQuiet()
  })

  it('warns of an OwnedFd that nobody has after its send failed', async () => {
    const [sender, receiver] = open<unknown>()
    fill(sender, (index) => index)
    const forget = (): [number, Promise<void>] => {
      const owned = new OwnedFd(openText('comes back'))
      return [owned.fd, sender.sendWithFds('moving', [owned])]
    }
    const [fd, sent] = forget()
    await isQuiet()
    receiver.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
    await warnsOf('OwnedFd', fd)
  })
})
