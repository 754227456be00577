import { expect } from 'chai'
import { channel, type OwnedFd, type Receiver, type Sender, select } from 'wormhole-ipc'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range } from '../helpers/fill.js'
import { asyncSchemaOf, schemaOf, text } from '../helpers/schema.js'

async function attempt<T>(operation: () => T | Promise<T>): Promise<T> {
  return operation()
}

function closing([message, fds]: [unknown, OwnedFd[]]): unknown {
  for (const fd of fds) fd.close()
  return message
}

type Call = (receiver: Receiver) => unknown

/** Each way of receiving one message. */
const waiting: Record<string, Call> = {
  recv: (receiver) => receiver.recv(),
  recvWithFds: async (receiver) => closing(await receiver.recvWithFds()),
  iteration: async (receiver) => (await receiver[Symbol.asyncIterator]().next()).value,
  batches: async (receiver) => (await receiver.batches().next()).value?.[0],
  select: async (receiver) => (await select({ receiver }))[1],
}
const blocking: Record<string, Call> = {
  tryRecv: (receiver) => receiver.tryRecv(),
  recvSync: (receiver) => receiver.recvSync(),
  recvWithFdsSync: (receiver) => closing(receiver.recvWithFdsSync()),
}
const calls = Object.entries({ ...waiting, ...blocking })

describe('a schema', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  for (const [name, call] of calls) {
    it(`has its output delivered, and what it refuses fails alone: ${name}`, async () => {
      const [sender, receiver] = open<unknown>({ schema: schemaOf(text), coalesce: name !== 'batches' })
      await sender.sendAll([1, -2, { three: 3 }, 4])
      const take = () => attempt(() => call(receiver))
      expect(await take()).to.equal('number 1')
      const refused = await rejectsCode(take(), 'ERR_WORMHOLE_INVALID')
      expect(refused.received).to.equal(-2)
      expect(refused.message).to.include('negative').and.to.include('n.0')
      expect(refused.cause).to.deep.equal([{ message: 'negative', path: ['n', { key: 0 }] }])
      expect((await rejectsCode(take(), 'ERR_WORMHOLE_INVALID')).received).to.deep.equal({ three: 3 })
      expect(await take()).to.equal('number 4')
    })
  }

  for (const [name, call] of Object.entries(waiting)) {
    it(`may take its time: ${name}`, async () => {
      const [sender, receiver] = open<unknown>({ schema: asyncSchemaOf(text) })
      await sender.sendAll([1, -2, 3])
      expect(await call(receiver)).to.equal('number 1')
      const refused = await rejectsCode(
        attempt(() => call(receiver)),
        'ERR_WORMHOLE_INVALID'
      )
      expect(refused.received).to.equal(-2)
      const last = call(receiver)
      expect(await last).to.equal('number 3')
    })
  }

  for (const [name, call] of Object.entries(blocking)) {
    it(`that takes its time is refused by calls that do not wait, and the message stays: ${name}`, async () => {
      const [sender, receiver] = open<unknown>({ schema: asyncSchemaOf(text) })
      await sender.sendWithFds(1, [0, 1])
      await sender.sendWithFds(-2, [0])
      throwsCode(() => call(receiver), 'ERR_WORMHOLE_ARGUMENT')
      const [message, fds] = await receiver.recvWithFds()
      expect(message).to.equal('number 1')
      expect(fds).to.have.lengthOf(2)
      for (const fd of fds) fd.close()
      throwsCode(() => call(receiver), 'ERR_WORMHOLE_ARGUMENT')
      await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_INVALID')
    })
  }

  it('is not asked by the sender', async () => {
    let asked = 0
    const schema = schemaOf((value) => {
      asked++
      return value
    })
    const [sender, receiver] = open<unknown>({ schema })
    await sender.sendAll([1, 2, 3])
    expect(asked).to.equal(0)
    expect(await receiver.recv()).to.equal(1)
    expect(asked).to.equal(1)
  })

  it('gives both ends their types', async () => {
    const [sender, receiver]: [Sender<unknown>, Receiver<string>] = channel({ schema: schemaOf(text) })
    keep(sender)
    keep(receiver)
    await sender.send(5)
    const message: string = await receiver.recv()
    expect(message).to.equal('number 5')
  })

  it('holds for a clone and for an end that is adopted', async () => {
    const [sender, plain] = open<unknown>()
    const receiver = plain.clone()
    const [carrier, carried] = open<string>()
    await carrier.sendWithFds('an end', [receiver])
    const [, [owned]] = await carried.recvWithFds()
    const adopted = keep((owned as OwnedFd).receiver({ schema: schemaOf(text) }))
    const clone = keep(adopted.clone())
    await sender.send(1)
    expect(await adopted.recv()).to.equal('number 1')
    await sender.send(2)
    expect(await clone.recv()).to.equal('number 2')
  })

  it('has the descriptors closed that came with what it refuses', async () => {
    for (const schema of [schemaOf(text), asyncSchemaOf(text)]) {
      const [sender, receiver] = open<unknown>({ schema })
      const descriptors = openDescriptors()
      await sender.sendWithFds(-1, [0, 1, 2])
      await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_INVALID')
      expect(openDescriptors()).to.equal(descriptors)
      await sender.sendWithFds(1, [0])
      const [message, fds] = await receiver.recvWithFds()
      expect([message, fds.length]).to.deep.equal(['number 1', 1])
      for (const fd of fds) fd.close()
    }
    const [sender, receiver] = open<unknown>({ schema: schemaOf(text) })
    const descriptors = openDescriptors()
    await sender.sendWithFds(-1, [0, 1, 2])
    throwsCode(() => receiver.recvWithFdsSync(), 'ERR_WORMHOLE_INVALID')
    expect(openDescriptors()).to.equal(descriptors)
  })

  it('that refuses one of a batch splits it; nothing else is lost', async () => {
    const [sender, receiver] = open<unknown>({ schema: schemaOf(text) })
    await sender.sendAll([1, 2, -3, 4, -5, -6, 7])
    const outcomes: unknown[] = []
    const steps = receiver.batches()
    for (const _ of range(6))
      outcomes.push(
        await steps.next().then(
          ({ value }) => value,
          ({ received }) => received
        )
      )
    expect(outcomes).to.deep.equal([['number 1', 'number 2'], -3, ['number 4'], -5, -6, ['number 7']])
  })

  it('may take its time for some messages only', async () => {
    const schema = asyncSchemaOf(text, (value) => (value as number) % 3 !== 0)
    const [sender, receiver] = open<unknown>({ schema })
    await sender.sendAll([1, 2, 3, 4, 6, 6, -7, -9, 10])
    sender.close()
    const received: unknown[] = []
    const refused: unknown[] = []
    const steps = receiver.batches()
    for (let done = false; !done; ) {
      try {
        const step = await steps.next()
        if (step.done === true) done = true
        else received.push(...step.value)
      } catch (error) {
        refused.push((error as { received?: unknown }).received)
      }
    }
    expect(received).to.deep.equal([1, 2, 3, 4, 6, 6, 10].map(text))
    expect(refused).to.deep.equal([-7, -9])
  })

  it('that throws fails one receive; the next message arrives', async () => {
    const broken = new Error('the schema broke')
    const { '~standard': standard } = schemaOf(text)
    const validate = (value: unknown) => {
      if (value === 0) throw broken
      return standard.validate(value)
    }
    const schema = { '~standard': { ...standard, validate } }
    for (const [, call] of calls) {
      const [sender, receiver] = open<unknown>({ schema, coalesce: call !== waiting.batches })
      await sender.sendWithFds(0, [0])
      await sender.send(1)
      const outcome = await attempt(() => call(receiver)).catch((error: unknown) => error)
      expect(outcome).to.equal(broken)
      expect(await call(receiver)).to.equal('number 1')
    }
  })

  it('that refuses marks the key in a select', async () => {
    for (const schema of [schemaOf(text), asyncSchemaOf(text)]) {
      const [, a] = open<number>({ schema })
      const [sender, b] = open<number>({ schema })
      await sender.sendAll([-1, 2])
      expect((await rejectsCode(select({ a, b }), 'ERR_WORMHOLE_INVALID')).key).to.equal('b')
      expect(await select({ a, b })).to.deep.equal(['b', 'number 2'])
    }
  })

  it('that takes its time keeps the order of an iteration', async () => {
    let first = true
    const schema = asyncSchemaOf(text, () => {
      first = !first
      return first
    })
    const [sender, receiver] = open<number>({ schema })
    await sender.sendAll(range(100))
    sender.close()
    expect(await collect(receiver)).to.deep.equal(range(100).map(text))
  })
})
