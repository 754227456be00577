import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { channel, OwnedFd, Receiver, Sender } from 'wormhole-ipc'
import { recvmsg } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { openText } from '../helpers/files.js'
import { fill, turns } from '../helpers/fill.js'
import { rawPair } from '../helpers/raw.js'
import { schemaOf } from '../helpers/schema.js'
import { Strangers } from '../helpers/strangers.js'
import { until } from '../helpers/until.js'
import { collectGarbage, watchesWarnings } from '../helpers/warnings.js'

/** Far more than its side stream holds. */
const LONG = 'x'.repeat(16 * 2 ** 20)

describe('a descriptor number that somebody else gets', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()
  const warnings = watchesWarnings()

  describe('after a receiver that waits', () => {
    const goings: Record<string, (receiver: Receiver<string>) => void | Promise<void>> = {
      'is closed': (receiver) => receiver.close(),
      'is detached': (receiver) => closeSync(receiver.detach()),
      'is moved': async (receiver) => {
        const [sender] = open<null>()
        await sender.sendWithFds(null, [receiver])
      },
    }
    for (const [what, go] of Object.entries(goings)) {
      it(`${what} is left alone, though the socket becomes readable`, async () => {
        const [sender, receiver] = open<string>()
        // Keeps the socket open, and so in the epoll set if it were left there.
        const copy = keep(receiver.clone())
        const waiting = receiver.recv()
        waiting.catch(() => undefined)
        await turns()
        const strangers = keep(new Strangers())
        await go(receiver)
        strangers.move()
        await sender.send('for the copy')
        await turns()
        strangers.check()
        await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
        expect(await copy.recv()).to.equal('for the copy')
      })

      it(`${what} tells its next owner, a receiver too, of what is its own`, async () => {
        const [sender, receiver] = open<string>()
        const copy = keep(receiver.clone())
        const { fd } = receiver
        const waiting = receiver.recv()
        waiting.catch(() => undefined)
        await turns()
        await go(receiver)
        // The lowest free number comes first.
        const pair = rawPair(socket.SOCK_SEQPACKET)
        const end = pair.indexOf(fd)
        expect(end, 'the number is used again').to.be.at.least(0)
        const next = keep(Receiver.fromFd<string>(fd))
        const nextSender = keep(Sender.fromFd<string>(pair[1 - end] as number))
        const told = next.recv()
        await sender.send('for the copy')
        await turns()
        await nextSender.send('for the next owner')
        expect(await told).to.equal('for the next owner')
        expect(await copy.recv()).to.equal('for the copy')
        await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
      })
    }
  })

  it('after a sender that closed behind its queue gets none of its messages', async () => {
    const [sender, receiver] = open<number>()
    const copy = keep(sender.clone())
    const taken = fill(sender, (index) => index)
    const queued = [sender.send(taken), sender.send(taken + 1)]
    const strangers = keep(new Strangers())
    sender.close()
    for (let index = 0; index < taken + 2; index++) expect(await receiver.recv()).to.equal(index)
    await Promise.all(queued)
    await turns()
    strangers.move()
    // The socket is full, and then writable again.
    const more = fill(copy, (index) => index)
    for (let index = 0; index < more; index++) await receiver.recv()
    await turns()
    strangers.check()
  })

  for (const side of ['sender', 'receiver'] as const) {
    it(`after a long message that its ${side} gave up is left alone`, async () => {
      const [sender, receiver] = open<string>()
      const giving = new AbortController()
      const sending = sender.send(LONG, { signal: giving.signal })
      sending.catch(() => undefined)
      const waiting = receiver.recv()
      waiting.catch(() => undefined)
      await until('the header has come', () => receiver.stats().packets > 0)
      const strangers = keep(new Strangers())
      if (side === 'sender') giving.abort()
      else receiver.close()
      await Promise.allSettled([sending, waiting])
      strangers.move()
      await turns()
      strangers.check()
    })
  }

  it('after raw receives whose descriptor was closed is left alone', async () => {
    const [one, other] = open<number>().map((end) => keep(new OwnedFd(end.detach()))) as [OwnedFd, OwnedFd]
    const waiting = recvmsg(other, Buffer.alloc(1))
    await turns()
    const strangers = keep(new Strangers())
    other.close()
    strangers.move()
    one.close()
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    await turns()
    strangers.check()
  })

  it('after an object that was closed, and is garbage then, stays open', async () => {
    const objects: (OwnedFd | Sender | Receiver)[] = [...channel(), new OwnedFd(openText(''))]
    const strangers = keep(new Strangers())
    for (const object of objects) object.close()
    strangers.move()
    objects.length = 0
    for (let round = 0; round < 3; round++) await collectGarbage()
    strangers.check()
    expect(warnings).to.deep.equal([])
  })

  it('after another receiver, in the same turn of the event loop, gets none of its readiness', async () => {
    let replaced: { receiver: Receiver<string>; sender: Sender<string>; told: Promise<string> } | undefined
    const receivers: Receiver<string>[] = []
    /** Runs inside the first receiver's turn: closes the other, whose turn comes next. */
    const replace = (mine: number) => (value: unknown) => {
      if (replaced === undefined) {
        const other = receivers[1 - mine] as Receiver<string>
        const { fd } = other
        other.close()
        const [sender, receiver] = open<string>()
        expect([sender.fd, receiver.fd]).to.include(fd)
        replaced = { sender, receiver, told: receiver.recv() }
      }
      return { value }
    }
    const senders = [0, 1].map((mine) => {
      const [sender, receiver] = open<string>({ schema: schemaOf(replace(mine)) })
      receivers.push(receiver as Receiver<string>)
      return sender as Sender<string>
    })
    const waiting = receivers.map((receiver) => receiver.recv())
    await turns()
    for (const sender of senders) expect(sender.trySend('ready')).to.equal(true)
    const outcomes = await Promise.allSettled(waiting)
    expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
    await replaced?.sender.send('mine')
    expect(await replaced?.told).to.equal('mine')
  })
})
