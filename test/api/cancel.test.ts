import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { OwnedFd, type Receiver, select } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { fill, range, spin, textOf, turn } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'

const reason = new Error('enough')

describe('an aborted receive', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  const calls = ['recv', 'recvWithFds', 'select'] as const
  const call = (name: (typeof calls)[number], receiver: Receiver<string>, signal: AbortSignal) =>
    name === 'select' ? select({ receiver }, { signal }) : receiver[name]({ signal })

  for (const name of calls) {
    it(`rejects with the signal's reason, and the message stays for the next taker: ${name}`, async () => {
      const [sender, receiver] = open<string>()
      for (const given of [reason, 'a string', null]) {
        const abort = new AbortController()
        const outcome = reasonOf(call(name, receiver, abort.signal))
        await turn()
        abort.abort(given)
        expect(await outcome).to.equal(given)
      }
      await sender.send('kept')
      expect(await receiver.recv()).to.equal('kept')
    })

    it(`rejects with an AbortError by default: ${name}`, async () => {
      const [, receiver] = open<string>()
      const abort = new AbortController()
      const outcome = reasonOf(call(name, receiver, abort.signal))
      abort.abort()
      expect(await outcome).to.have.property('name', 'AbortError')
    })

    it(`takes nothing with a signal that has aborted: ${name}`, async () => {
      const [sender, receiver] = open<string>()
      expect(await reasonOf(call(name, receiver, AbortSignal.abort(reason)))).to.equal(reason)
      await sender.send('kept')
      expect(await reasonOf(call(name, receiver, AbortSignal.abort(reason)))).to.equal(reason)
      expect(await receiver.recv()).to.equal('kept')
    })

    it(`gets a message that is there when the signal aborts: ${name}`, async () => {
      const [sender, receiver] = open<string>()
      const abort = new AbortController()
      const outcome = call(name, receiver, abort.signal)
      await turn()
      sender.sendSync('won')
      abort.abort(reason)
      expect(JSON.stringify(await outcome)).to.include('won')
    })

    it(`gets a message that came during a busy spell longer than its timeout: ${name}`, async () => {
      const [sender, receiver] = open<string>()
      const outcome = call(name, receiver, AbortSignal.timeout(1))
      sender.sendSync('won')
      spin(20)
      expect(JSON.stringify(await outcome)).to.include('won')
    })

    it(`gets what another process sent during a busy spell: ${name}`, async () => {
      const [sender, receiver] = open<string>()
      const { ended } = startNode('producer', ['won', '1'], [sender.fd])
      sender.close()
      const outcome = call(name, receiver, AbortSignal.timeout(1))
      socket.wait([receiver.fd], socket.POLLIN, 30_000)
      spin(20)
      expect(JSON.stringify(await outcome)).to.include('won')
      expect(await ended).to.include({ code: 0, stderr: '' })
    })

    it(`does not accept what is no signal: ${name}`, async () => {
      const [, receiver] = open<string>()
      await rejectsCode(call(name, receiver, {} as AbortSignal), 'ERR_WORMHOLE_ARGUMENT')
    })
  }

  it('gets descriptors that are there when the signal aborts', async () => {
    const [sender, receiver] = open<string>()
    const abort = new AbortController()
    const outcome = receiver.recvWithFds({ signal: abort.signal })
    sender.sendWithFdsSync('won', [0, 1])
    abort.abort(reason)
    const [message, fds] = await outcome
    expect(message).to.equal('won')
    expect(fds).to.have.lengthOf(2)
    for (const fd of fds) fd.close()
  })

  it('leaves the line: the others are served first come, first served', async () => {
    const [sender, receiver] = open<number>()
    const aborts = range(6).map(() => new AbortController())
    const waiting = aborts.map(({ signal }) => receiver.recv({ signal }))
    for (const index of [0, 3, 5]) aborts[index]?.abort(reason)
    for (const index of [0, 3, 5]) expect(await reasonOf(waiting[index] as Promise<number>)).to.equal(reason)
    for (const message of [10, 20, 30]) await sender.send(message)
    expect(await Promise.all([1, 2, 4].map((index) => waiting[index]))).to.deep.equal([10, 20, 30])
  })

  it('leaves the rest of a long message to the next taker', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(5_000_000)
    const abort = new AbortController()
    const outcome = reasonOf(receiver.recv({ signal: abort.signal }))
    const sent = sender.send(long)
    // The header and the first part are read in the turn in which they come.
    while (receiver.stats().packets === 0) await turn()
    abort.abort(reason)
    expect(await outcome).to.equal(reason)
    expect((await receiver.recv()) === long).to.equal(true)
    await sent
  })

  it('gives no warning about listeners, however many wait on one signal', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error) => void warnings.push(warning)
    process.on('warning', warn)
    const [sender, receiver] = open<number>()
    const [other, others] = open<number>()
    const count = fill(other, (index) => index)
    const abort = new AbortController()
    const { signal } = abort
    const waiting = [
      ...range(4000).map(() => receiver.recv({ signal })),
      ...range(200).map(() => select({ receiver }, { signal })),
      ...range(4000).map((index) => other.send(index, { signal })),
    ].map(reasonOf)
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(1)
    await turn()
    abort.abort(reason)
    expect(new Set(await Promise.all(waiting))).to.deep.equal(new Set([reason]))
    await turn()
    process.off('warning', warn)
    expect(warnings).to.deep.equal([])
    await sender.send(1)
    expect(await receiver.recv()).to.equal(1)
    other.close()
    expect(await collect(others)).to.have.lengthOf(count)
  })

  it('leaves no listeners behind on a signal that lives long', async () => {
    const [sender, receiver] = open<number>()
    const { signal } = new AbortController()
    for (const index of range(100)) {
      const received = receiver.recv({ signal })
      await sender.send(index, { signal })
      expect(await received).to.equal(index)
    }
    expect(getEventListeners(signal, 'abort').length).to.be.at.most(1)
  })
})

describe('an aborted send', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('is not delivered from a full channel, while the others are', async () => {
    for (const coalesce of [true, false]) {
      const [sender, receiver] = open<unknown>({ coalesce })
      const count = fill(sender, (index) => index)
      const aborts = range(5).map(() => new AbortController())
      const sends = aborts.map(({ signal }, index) => sender.send(`send ${index}`, { signal }))
      await turn()
      for (const index of [0, 2, 4]) aborts[index]?.abort(reason)
      for (const index of [0, 2, 4]) expect(await reasonOf(sends[index] as Promise<void>)).to.equal(reason)
      expect(sender.stats().queued).to.equal(2)
      sender.close()
      expect(await collect(receiver)).to.deep.equal([...range(count), 'send 1', 'send 3'])
      await Promise.all([sends[1], sends[3]])
    }
  })

  it('is not delivered when it is aborted in its own tick, or before', async () => {
    const [sender, receiver] = open<string>()
    const abort = new AbortController()
    const sends = [sender.send('a'), sender.send('b', { signal: abort.signal }), sender.send('c')]
    abort.abort(reason)
    expect(await reasonOf(sends[1] as Promise<void>)).to.equal(reason)
    expect(await reasonOf(sender.send('d', { signal: abort.signal }))).to.equal(reason)
    await Promise.all([sends[0], sends[2]])
    sender.close()
    expect(await collect(receiver)).to.deep.equal(['a', 'c'])
  })

  it('stays sent once the kernel has it', async () => {
    const [sender, receiver] = open<string>()
    const abort = new AbortController()
    await sender.send('sent', { signal: abort.signal })
    abort.abort(reason)
    expect(await receiver.recv()).to.equal('sent')
  })

  it('keeps the descriptors that were to move', async () => {
    const [sender, receiver] = open<string>()
    const count = fill(sender, String)
    const file = new OwnedFd(socket.duplicate(0), true)
    const [inner, other] = open<string>()
    const abort = new AbortController()
    const sent = sender.sendWithFds('moves', [file, inner, 0], { signal: abort.signal })
    await turn()
    abort.abort(reason)
    expect(await reasonOf(sent)).to.equal(reason)
    await inner.send('still mine')
    expect(await other.recv()).to.equal('still mine')
    expect(file.fd).to.be.greaterThan(2)
    file.close()
    sender.close()
    expect(await collect(receiver)).to.deep.equal(range(count).map(String))
  })

  it('leaves ERR_WORMHOLE_TRUNCATED in the place of a long message that was under way', async () => {
    const [sender, receiver] = open<string>()
    const abort = new AbortController()
    const sent = reasonOf(sender.send(textOf(5_000_000), { signal: abort.signal }))
    await turn()
    const next = sender.send('next')
    await turn()
    abort.abort(reason)
    expect(await sent).to.equal(reason)
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
    expect(await receiver.recv()).to.equal('next')
    await next
  })
})
