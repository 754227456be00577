import { readdirSync, readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect } from 'chai'
import { type Receiver, select } from 'wormhole-ipc'
import { forkAndRun } from 'wormhole-ipc/process'
import { recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { fixture } from '../helpers/child.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { usesChildren } from '../helpers/uses-children.js'

type Result = StandardSchemaV1.Result<unknown>
type Answer = (result: Result) => unknown

const refusal = { issues: [{ message: 'refused' }] }

/** Refuses negative numbers, and answers as `answer` makes it. */
function answering(answer: Answer): StandardSchemaV1 {
  const validate = (value: unknown) => answer((value as number) < 0 ? refusal : { value: `number ${value}` }) as Result
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

type ThenCallback = (value: unknown) => void

/** Promises of all makes, as a schema may answer with. */
const promises: Record<string, Answer> = {
  'a promise of a vm context': runInNewContext('(result) => Promise.resolve(result)'),
  'an async function of a vm context': runInNewContext('async (result) => result'),
  'a promise of another library': (result) => ({
    // biome-ignore lint/suspicious/noThenProperty: that is what it is
    then: (resolve: ThenCallback) => {
      setImmediate(resolve, result)
    },
  }),
  'a function that is thenable': (result) =>
    Object.assign(() => undefined, {
      // biome-ignore lint/suspicious/noThenProperty: that is what it is
      then: (resolve: ThenCallback) => resolve(result),
    }),
  'a thenable that calls back twice, and then throws': (result) => ({
    // biome-ignore lint/suspicious/noThenProperty: that is what it is
    then: (resolve: ThenCallback, reject: ThenCallback) => {
      resolve(result)
      resolve({ value: 'another' })
      reject(new Error('too late'))
      throw new Error('later still')
    },
  }),
  'a thenable of a thenable': (result) => ({
    // biome-ignore lint/suspicious/noThenProperty: that is what it is
    then: (resolve: ThenCallback) =>
      resolve({
        // biome-ignore lint/suspicious/noThenProperty: that is what it is
        then: (inner: ThenCallback) => inner(result),
      }),
  }),
  'a native promise': (result) => Promise.resolve(result),
}

const waits: Record<string, (receiver: Receiver) => Promise<unknown>> = {
  recv: (receiver) => receiver.recv(),
  recvWithFds: async (receiver) => {
    const [message, fds] = await receiver.recvWithFds()
    for (const fd of fds) fd.close()
    return message
  },
  iteration: async (receiver) => (await receiver[Symbol.asyncIterator]().next()).value,
  batches: async (receiver) => (await receiver.batches().next()).value?.[0],
  select: async (receiver) => (await select({ receiver }))[1],
}

/** What stands in for Promise in a program that replaces it: related to the native one by nothing but its methods. */
class OtherPromise {
  readonly #inner: Promise<unknown>

  constructor(executor: (resolve: ThenCallback, reject: ThenCallback) => void) {
    this.#inner = new NativePromise(executor)
  }

  // biome-ignore lint/suspicious/noThenProperty: that is what it is
  then(resolve?: ThenCallback, reject?: ThenCallback): OtherPromise {
    return OtherPromise.#of(this.#inner.then(resolve, reject))
  }

  catch(reject: ThenCallback): OtherPromise {
    return this.then(undefined, reject)
  }

  finally(callback: () => void): OtherPromise {
    return OtherPromise.#of(this.#inner.finally(callback))
  }

  static resolve(value: unknown): OtherPromise {
    return value instanceof OtherPromise ? value : OtherPromise.#of(NativePromise.resolve(value))
  }

  static reject(reason: unknown): OtherPromise {
    return OtherPromise.#of(NativePromise.reject(reason))
  }

  static #of(promise: Promise<unknown>): OtherPromise {
    return new OtherPromise((resolve, reject) => void promise.then(resolve, reject))
  }
}

const NativePromise = Promise

async function withOtherPromise(use: () => Promise<void>): Promise<void> {
  Object.assign(globalThis, { Promise: OtherPromise })
  try {
    await use()
  } finally {
    Object.assign(globalThis, { Promise: NativePromise })
  }
}

async function expectChecked(receiver: Receiver, take: (receiver: Receiver) => Promise<unknown>): Promise<void> {
  expect(await take(receiver)).to.equal('number 1')
  expect((await rejectsCode(take(receiver), 'ERR_WORMHOLE_INVALID')).received).to.equal(-2)
  expect(await take(receiver)).to.equal('number 3')
  // The fourth comes while the call waits.
  expect(await take(receiver)).to.equal('number 4')
}

describe('what comes from the program is told by what it does, not by its class', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  for (const [what, answer] of Object.entries(promises)) {
    for (const [name, take] of Object.entries(waits)) {
      it(`a schema that answers with ${what}: ${name}`, async () => {
        const [sender, receiver] = open<unknown>({ schema: answering(answer), coalesce: false })
        await sender.sendAll([1, -2, 3])
        const checked = expectChecked(receiver, take)
        setImmediate(() => sender.trySend(4))
        await checked
      })

      it(`the same where Promise has been replaced: ${what}, ${name}`, () =>
        withOtherPromise(async () => {
          const [sender, receiver] = open<unknown>({ schema: answering(answer) })
          await sender.sendAll([1, -2, 3])
          const checked = expectChecked(receiver, take)
          setImmediate(() => sender.trySend(4))
          await checked
        }))
    }

    it(`calls that cannot wait refuse it, and the message stays: ${what}`, async () => {
      const [sender, receiver] = open<unknown>({ schema: answering(answer) })
      await sender.sendWithFds(1, [2])
      const before = openDescriptors()
      throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => receiver.recvWithFdsSync(), 'ERR_WORMHOLE_ARGUMENT')
      expect(openDescriptors()).to.equal(before + 1)
      const [message, fds] = await receiver.recvWithFds()
      expect(message).to.equal('number 1')
      expect(fds).to.have.length(1)
      for (const fd of fds) keep(fd)
    })
  }

  for (const [what, answer] of Object.entries<unknown>({
    nothing: undefined,
    null: null,
    'a number': 1,
    'an object of neither kind': {},
    'issues that are null': { value: 1, issues: null },
    'issues that are no list': { issues: 5 },
    'a list of nothing': { issues: [null] },
    'a path of odd parts': {
      issues: [{ message: 'odd', path: [Symbol('part'), { key: Symbol('key') }, Object.create(null), null] }],
    },
    'a path that is no list': { issues: [{ message: 'odd', path: 7 }] },
  })) {
    for (const later of [false, true]) {
      it(`a schema that answers with ${what}${later ? ', later' : ''}: one receive is refused, with the message`, async () => {
        const odd = (value: unknown) => (value === 'odd' ? answer : { value })
        const validate = (value: unknown) => (later ? Promise.resolve(odd(value)) : odd(value)) as Result
        const [sender, receiver] = open<unknown>({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
        for (const take of Object.values(waits)) {
          await sender.sendAll(['odd', 'next'])
          const error = await rejectsCode(take(receiver), 'ERR_WORMHOLE_INVALID')
          expect(error.received).to.equal('odd')
          expect(error.message).to.match(/^the schema /)
          expect(await take(receiver)).to.equal('next')
        }
      })
    }
  }

  for (const [what, thrown] of Object.entries<() => unknown>({
    'throws at once': () => {
      throw new Error('on purpose')
    },
    'rejects later': () => Promise.reject(new Error('on purpose')),
    'has a `then` that throws': () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is
      then: () => {
        throw new Error('on purpose')
      },
    }),
    'has a `then` that cannot be read': () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is
      get then() {
        throw new Error('on purpose')
      },
    }),
  })) {
    it(`a schema that ${what} is told of once, by the receive of its message`, async () => {
      for (const [name, take] of Object.entries(waits)) {
        let asked = 0
        const validate = (value: unknown) => {
          if (value !== 'bad') return { value } as Result
          asked++
          // Only the first time: whoever asks again would be told that the message is fine.
          return (asked === 1 ? thrown() : { value: 'another' }) as Result
        }
        const [sender, receiver] = open<unknown>({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
        await sender.sendAll(['bad', 'next'])
        const reason = await take(receiver).then(
          () => undefined,
          (error: unknown) => error
        )
        expect((reason as Error)?.message, name).to.equal('on purpose')
        expect(await take(receiver)).to.equal('next')
      }
    })
  }

  it('what a schema throws behind other messages of a batch is told of by the next step', async () => {
    let asked = 0
    const validate = (value: unknown) => {
      if (value !== 'bad') return { value }
      asked++
      throw new Error(`on purpose, ${asked}`)
    }
    const [sender, receiver] = open<unknown>({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
    await sender.sendAll([1, 2, 'bad', 3])
    const steps = receiver.batches()
    expect((await steps.next()).value).to.deep.equal([1, 2])
    const reason = await steps.next().then(
      () => undefined,
      (error: unknown) => error
    )
    expect((reason as Error).message).to.equal('on purpose, 1')
    expect((await steps.next()).value).to.deep.equal([3])
  })

  it('the value that a schema gives may itself be thenable for calls that do not wait', async () => {
    // biome-ignore lint/suspicious/noThenProperty: that is what it is
    const value = { then: () => undefined }
    const [sender, receiver] = open<unknown>({ schema: answering(() => ({ value })) })
    await sender.sendAll([1, 2])
    expect(receiver.tryRecv()).to.equal(value)
    expect(receiver.recvWithFdsSync()[0]).to.equal(value)
  })

  it('a signal of another make: it aborts calls that wait, and what it lacks is made up for', async () => {
    for (const reason of ['a reason', undefined]) {
      const foreign = new ForeignController()
      const [sender, receiver] = open<unknown>()
      const signal = foreign.signal as unknown as AbortSignal
      const waiting = [receiver.recv({ signal }), receiver.recvWithFds({ signal }), select({ receiver }, { signal })]
      const outcomes = Promise.allSettled(waiting)
      foreign.abort(reason)
      for (const outcome of await outcomes) {
        expect(outcome.status).to.equal('rejected')
        const given = (outcome as PromiseRejectedResult).reason
        if (reason !== undefined) expect(given).to.equal(reason)
        else expect(given).to.have.property('name', 'AbortError')
      }
      const late = await sender.send(1, { signal }).then(
        () => 'sent',
        (error: unknown) => error
      )
      expect(late).not.to.equal('sent')
      await sender.send(2)
      expect(await receiver.recv()).to.equal(2)
    }
    for (const signal of [{}, { aborted: false }, 5, null]) {
      await rejectsCode(open<unknown>()[1].recv({ signal: signal as AbortSignal }), 'ERR_WORMHOLE_ARGUMENT')
    }
  })

  it('bytes, URLs and iterables of a vm context', async () => {
    const [here, there] = socketpair('seqpacket')
    for (const end of [here, there]) keep(end)
    await sendmsg(here, runInNewContext('new Uint8Array([1, 2, 3])'))
    const buffer = runInNewContext('new Uint8Array(8)') as Uint8Array
    expect((await recvmsg(there, buffer)).bytes).to.equal(3)
    expect([...buffer.subarray(0, 3)]).to.deep.equal([1, 2, 3])
    const { href, protocol, pathname } = new URL(`file://${fixture('functions')}`)
    const foreign = { href, protocol, pathname } as URL
    expect(await forkAndRun(foreign, [1, 2], { export: 'sum' })).to.equal(3)
    const [sender, receiver] = open<unknown>()
    expect(await sender.sendAll(runInNewContext('[1, 2]'))).to.equal(2)
    expect(await sender.sendAll(runInNewContext('(async function* () { yield 3 })()'))).to.equal(1)
    expect(await sender.sendAll(runInNewContext('new Set([4])'))).to.equal(1)
    for (const expected of [1, 2, 3, 4]) expect(receiver.tryRecv()).to.equal(expected)
  })

  it('what is thrown while a message is written as JSON, of any make', () => {
    const [sender] = open<unknown>()
    const thrown = [
      runInNewContext('new TypeError("of a context")'),
      Object.create(null),
      Symbol('odd'),
      undefined,
      { toString: () => sender.fd.toString(99) },
    ]
    for (const value of thrown) {
      const message = {
        toJSON: () => {
          throw value
        },
      }
      const error = throwsCode(() => sender.trySend(message), 'ERR_WORMHOLE_UNSERIALIZABLE')
      expect(error.cause).to.equal(value)
    }
    const [first] = thrown
    const message = {
      toJSON: () => {
        throw first
      },
    }
    expect(throwsCode(() => sender.trySend(message), 'ERR_WORMHOLE_UNSERIALIZABLE').message).to.include('of a context')
  })

  it('no file of lib/ asks for the class of anything but of what lib/ itself makes', () => {
    const lib = new URL('../../../lib/', import.meta.url)
    const files = (readdirSync(lib, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'))
    const sources = files.map((file) => [file, withoutComments(readFileSync(new URL(file, lib), 'utf8'))] as const)
    const own = new Set(sources.flatMap(([, text]) => [...text.matchAll(/\bclass (\w+)/g)].map(([, name]) => name)))
    const asked = sources.flatMap(([file, text]) =>
      [...text.matchAll(/\binstanceof\s+(\w+)/g)]
        .filter(([, name]) => !own.has(name))
        .map(([what]) => `${file}: ${what}`)
    )
    expect(asked).to.deep.equal([])
    const compared = sources.filter(([, text]) => /\.constructor\s*[!=]==?/.test(text)).map(([file]) => file)
    expect(compared).to.deep.equal([])
    expect(own).to.include('WormholeError')
  })
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}

/** As of a library for platforms without AbortController, in its first version: no reasons, no throwIfAborted. */
class ForeignController {
  readonly #listeners = new Set<() => void>()
  readonly signal: { aborted: boolean; reason?: unknown; addEventListener: unknown; removeEventListener: unknown } = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => this.#listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => this.#listeners.delete(listener),
  }

  abort(reason: unknown): void {
    this.signal.aborted = true
    if (reason !== undefined) this.signal.reason = reason
    for (const listener of this.#listeners) listener()
  }
}
