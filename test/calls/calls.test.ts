import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { channel, WormholeError } from 'wormhole-ipc'
import { type CallContext, caller, type Link, link, serve, withFds } from 'wormhole-ipc/calls'
import { fork } from 'wormhole-ipc/process'
import type { Handlers } from '../fixtures/call-server.js'
import { fixture } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { usesChildren } from '../helpers/uses-children.js'

const opened: Link[] = []

function open(): [Link, Link] {
  const pair = link()
  opened.push(...pair)
  return pair
}

function served<Handlers extends object>(handlers: Handlers, options?: Parameters<typeof serve>[2]) {
  const [ours, theirs] = open()
  const done = serve(theirs, handlers, options)
  return { api: caller<Handlers>(ours), ours, theirs, done }
}

/** A link whose other side speaks the wire by hand. */
function raw(): { ours: Link; theirs: Link } {
  const [ours, theirs] = open()
  return { ours, theirs }
}

function gate<T = void>() {
  let pass!: (value: T) => void
  const opened = new Promise<T>((resolve) => {
    pass = resolve
  })
  return { opened, pass }
}

describe('calls', () => {
  usesChildren()
  leavesNoDescriptors()
  afterEach(() => {
    for (const { sender, receiver } of opened.splice(0)) {
      sender.close()
      receiver.close()
    }
  })

  it('resolve to what the handler returns, or promises, or to undefined', async () => {
    const { api } = served({ double: (n: number) => 2 * n, later: async () => [new Date(0)], nothing: () => undefined })
    expect(await api.double(21)).to.equal(42)
    expect(await api.later()).to.deep.equal([new Date(0).toJSON()])
    expect(await api.nothing()).to.equal(undefined)
  })

  it('do not hold each other up, and keep the order of progress and output', async () => {
    const slow = gate()
    const { api } = served({
      slow: () => slow.opened,
      quick: () => 1,
      steps: async (to: number, { progress }: CallContext) => {
        for (let n = 0; n < to; n++) progress(n)
        return 'done'
      },
    })
    const waiting = api.slow()
    expect(await api.quick()).to.equal(1)
    const seen: unknown[] = []
    const output = await api.steps(100, { onProgress: (value) => seen.push(value) })
    expect(output).to.equal('done')
    expect(seen).to.deep.equal(Array.from({ length: 100 }, (_, n) => n))
    slow.pass()
    await waiting
  })

  it('go both ways over one link, each side limited to one handler that calls the other, without a deadlock', async () => {
    const [left, right] = open()
    type Side = { down(n: number): number }
    const handlersOf = (other: () => { down(n: number): Promise<number> }) => ({
      down: async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await other().down(n - 1))),
    })
    const toRight = caller<Side>(left)
    const toLeft = caller<Side>(right)
    void serve(
      left,
      handlersOf(() => toRight),
      { concurrency: 1 }
    )
    void serve(
      right,
      handlersOf(() => toLeft),
      { concurrency: 1 }
    )
    const sums = await Promise.all([5, 6, 7, 8].flatMap((n) => [toRight.down(n), toLeft.down(n)]))
    expect(sums).to.deep.equal([5, 5, 6, 6, 7, 7, 8, 8])
  })

  it('reach a child by the name of its link, and the child its parent', async () => {
    const [ours, theirs] = open()
    const child = fork(fixture('call-server'), { channels: { api: theirs } })
    const exit = once(child, 'exit')
    const api = caller<Handlers>(ours)
    void serve(ours, { name: () => 'parent' })
    expect(await api.double(4)).to.equal(8)
    expect(await api.greet()).to.equal('hello, parent')
    const never = api.never()
    const dying = api.die()
    await rejectsCode(never, 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(dying, 'ERR_WORMHOLE_DISCONNECTED')
    expect(await exit).to.deep.equal([3, null])
    await rejectsCode(api.double(1), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('bring an error with its name, message, stack, code, cause and own properties', async () => {
    const { api } = served({
      fail: () => {
        throw Object.assign(new RangeError('too far', { cause: new Error('inner') }), { code: 'E_FAR', by: { m: 3 } })
      },
      text: () => Promise.reject('no error at all'),
    })
    const { cause } = (await rejectsCode(api.fail(), 'ERR_WORMHOLE_CALL_THREW')) as { cause?: unknown }
    const error = cause as Error & { code: string; by: unknown }
    expect(error).to.be.instanceOf(Error)
    expect([error.name, error.message, error.code, error.by]).to.deep.equal([
      'RangeError',
      'too far',
      'E_FAR',
      { m: 3 },
    ])
    expect(error.stack).to.match(/calls\.test/)
    expect((error.cause as Error).message).to.equal('inner')
    const other = await rejectsCode(api.text(), 'ERR_WORMHOLE_CALL_THREW')
    expect(other.message).to.match(/no error at all/)
  })

  it('never reach what every object has', async () => {
    const { ours, theirs } = raw()
    void serve(ours, { known: () => 1 })
    expect(await theirs.receiver.recv()).to.deep.equal({ window: null })
    const names = ['constructor', '__proto__', 'then', 'toString', 'hasOwnProperty', '', 3, null]
    for (const [call, name] of names.entries()) {
      await theirs.sender.send({ call, name })
      const answer = (await theirs.receiver.recv()) as { refused: { code: string } }
      expect(answer.refused.code, String(name)).to.equal('ERR_WORMHOLE_NO_HANDLER')
    }
    const { api } = served({})
    const any = api as unknown as Record<string, () => Promise<unknown>>
    expect(await any).to.equal(any)
    await rejectsCode(any.constructor!(), 'ERR_WORMHOLE_NO_HANDLER')
    await rejectsCode((any.toString as unknown as () => Promise<unknown>)(), 'ERR_WORMHOLE_NO_HANDLER')
  })

  it('end at once by their signal or timeout, which aborts the handler', async () => {
    const aborted = [gate<string>(), gate<string>()]
    const { api } = served(
      {
        wait: (at: number, { signal }: CallContext) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              aborted[at]?.pass(signal.reason.name)
              resolve('late')
            })
          }),
      },
      { concurrency: 1 }
    )
    const aborting = new AbortController()
    const calls = [api.wait(0, { signal: aborting.signal }), api.wait(1, { timeout: 20 })]
    // Behind what the first holds up, its cancelling still arrives.
    const behind = Array.from({ length: 300 }, () => api.wait(2, { timeout: 2 ** 40, signal: aborting.signal }))
    const reason = new Error('enough')
    aborting.abort(reason)
    const outcomes = await Promise.allSettled([calls[0], ...behind])
    for (const outcome of outcomes) expect(outcome).to.deep.equal({ status: 'rejected', reason })
    expect(await aborted[0]?.opened).to.equal('AbortError')
    await rejectsCode(calls[1]!, 'ERR_WORMHOLE_TIMEOUT')
    const already = await api.wait(0, { signal: aborting.signal }).catch((error: unknown) => error)
    expect(already).to.equal(reason)
  })

  it('beyond the concurrency wait, and none of them in the memory of who serves', async () => {
    const turn = gate()
    let running = 0
    let max = 0
    const { api, theirs } = served(
      {
        work: async (text: string) => {
          max = Math.max(max, ++running)
          await turn.opened
          running--
          return text.length
        },
      },
      { concurrency: 2 }
    )
    const calls = Array.from({ length: 5000 }, () => api.work('x'.repeat(1000)))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(theirs.receiver.stats().messages).to.be.below(100)
    turn.pass()
    expect(await Promise.all(calls)).to.deep.equal(calls.map(() => 1000))
    expect(max).to.equal(2)
  })

  it('beyond the concurrency wait on the channel, from a caller that keeps to no window', async () => {
    const { ours, theirs } = raw()
    void serve(ours, { never: () => new Promise(() => undefined) }, { concurrency: 1 })
    let sent = 0
    while (sent < 100_000) {
      if (theirs.sender.trySend({ call: sent, name: 'never', input: 'x'.repeat(1000) })) sent++
      else if (ours.receiver.stats().messages > 256) break
      else await new Promise((resolve) => setImmediate(resolve))
    }
    expect(ours.receiver.stats().messages).to.be.below(1000)
    expect(theirs.sender.trySend({ call: sent, name: 'never', input: 'x'.repeat(1000) })).to.equal(false)
  })

  it('bring descriptors both ways; those that nobody takes are closed', async () => {
    const { api } = served({
      read: (_input: undefined, { fds }: CallContext) => {
        const text = readFileSync(fds[0]!.fd, 'utf8')
        for (const fd of fds) fd.close()
        return text
      },
      ignore: () => 'not looked at',
      open: () => {
        const [sender, receiver] = channel<string>()
        void sender.send('through the other')
        sender.close()
        return withFds({ ends: 1 }, [receiver])
      },
      none: () => withFds(0, []),
      bad: () => {
        const [sender, receiver] = channel()
        receiver.close()
        return withFds('x', [sender, 123_456])
      },
    })
    const file = openSync('package.json', 'r')
    expect(await api.read(undefined, { fds: [file] })).to.match(/wormhole-ipc/)
    expect(await api.ignore(undefined, { fds: [file] })).to.equal('not looked at')
    closeSync(file)
    const [output, fds] = await api.open()
    expect(output).to.deep.equal({ ends: 1 })
    const receiver = fds[0]!.receiver()
    expect(await receiver.recv()).to.equal('through the other')
    receiver.close()
    expect(await api.none()).to.deep.equal([0, []])
    await rejectsCode(api.bad(), 'ERR_WORMHOLE_BAD_FD')
    const late = api.open(undefined, { signal: AbortSignal.abort() }).catch((error: Error) => error.name)
    expect(await late).to.equal('AbortError')
  })

  it('reject for an input or output that JSON cannot carry', async () => {
    const outputs = { function: () => () => 1, symbol: async () => Symbol('s'), big: () => 1n, cycle: () => cycle }
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const { api } = served<Record<string, (input: unknown) => unknown>>({ ...outputs, echo: (x: unknown) => x })
    for (const name of Object.keys(outputs)) await rejectsCode(api[name]!(1), 'ERR_WORMHOLE_UNSERIALIZABLE')
    for (const input of [() => 1, Symbol('s'), 1n, cycle]) {
      await rejectsCode(api.echo!(input), 'ERR_WORMHOLE_UNSERIALIZABLE')
    }
    expect(await api.echo!(1)).to.equal(1)
  })

  it('survive a hostile server: answers nobody asked for, twice, late, in unknown forms', async () => {
    const { ours, theirs } = raw()
    const api = caller<{ ask(): unknown }>(ours)
    const first = api.ask()
    const request = (await theirs.receiver.recv()) as { call: number }
    const odd: unknown[] = [
      ...[null, 7, 'text', [], {}, { unknown: 1 }, { answer: 99, output: 1 }, { answer: '1' }, { answer: {} }],
      ...[{ answer: 2 ** 60, output: 1 }, { answer: -1 }, { progress: 5, value: 1 }, { progress: null }],
      ...[{ window: -1 }, { window: 'many' }, { cancel: 1 }, { cancel: {} }, { call: {}, name: 'x' }],
      { ['__proto__']: { answer: 1 } },
    ]
    const file = openSync('package.json', 'r')
    for (const message of odd) await theirs.sender.sendWithFds(message, [file])
    closeSync(file)
    await theirs.sender.send({ answer: request.call, output: 'first' })
    await theirs.sender.send({ answer: request.call, output: 'second' })
    await theirs.sender.send({ progress: request.call, value: 'after the end' })
    expect(await first).to.equal('first')
    const records = [
      null,
      1,
      'text',
      {},
      { message: 3, cause: { cause: 4 } },
      { properties: { __proto__: 1, name: 2 } },
    ]
    for (const error of records) {
      const failing = api.ask()
      const { call } = (await theirs.receiver.recv()) as { call: number }
      await theirs.sender.send({ answer: call, error })
      await rejectsCode(failing, 'ERR_WORMHOLE_CALL_THREW')
    }
  })

  it('survive a hostile caller: ids twice, cancels of nothing, descriptors with no use', async () => {
    const { ours, theirs } = raw()
    const hold = gate()
    void serve(ours, { hold: () => hold.opened })
    await theirs.receiver.recv()
    const file = openSync('package.json', 'r')
    for (const call of [1, 1, 1e308, 'one', { id: 1 }, null]) {
      await theirs.sender.sendWithFds({ call, name: 'hold' }, [file])
    }
    closeSync(file)
    for (const cancel of [7, 'x', null, {}, [1]]) await theirs.sender.send({ cancel })
    while (ours.receiver.stats().messages < 11) await new Promise((resolve) => setImmediate(resolve))
    hold.pass()
    const answers = [await theirs.receiver.recv(), await theirs.receiver.recv()]
    expect(answers).to.deep.equal([{ answer: 1 }, { answer: 1e308 }])
    expect(theirs.receiver.tryRecv()).to.equal(undefined)
  })

  it('end with the link: serve resolves, handlers abort, and both sides are closed', async () => {
    const started = gate()
    const aborted = gate<unknown>()
    const { api, ours, theirs, done } = served({
      wait: (_input: undefined, { signal }: CallContext) => {
        signal.addEventListener('abort', () => aborted.pass(signal.reason))
        started.pass()
        return new Promise(() => undefined)
      },
    })
    const waiting = rejectsCode(api.wait(), 'ERR_WORMHOLE_CLOSED')
    await started.opened
    ours.sender.close()
    ours.receiver.close()
    await waiting
    await done
    expect(((await aborted.opened) as WormholeError).code).to.equal('ERR_WORMHOLE_DISCONNECTED')
    expect([theirs.sender.closed, theirs.receiver.closed]).to.deep.equal([true, true])
  })

  it('stop being served by the signal of serve, and may be served again', async () => {
    const stopping = new AbortController()
    const { api, theirs, done } = served(
      {
        wait: (_input: undefined, { signal }: CallContext) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(String(signal.reason)))),
      },
      { signal: stopping.signal }
    )
    const waiting = api.wait()
    await api.wait(undefined, { timeout: 1 }).catch(() => undefined)
    stopping.abort('stop')
    await done
    expect(await waiting).to.equal('stop')
    const again = api.wait()
    void serve(theirs, { wait: () => 'again' })
    expect(await again).to.equal('again')
  })

  it('let what onProgress throws end in an uncaughtException, and go on', async () => {
    const { api } = served({
      step: (_input: undefined, { progress }: CallContext) => {
        progress(1)
        return 'done'
      },
    })
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught = once(process, 'uncaughtException')
    try {
      const output = await api.step(undefined, {
        onProgress: () => {
          throw new Error('of the user')
        },
      })
      expect(output).to.equal('done')
      expect(((await uncaught)[0] as Error).message).to.equal('of the user')
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })

  it('refuse bad arguments', async () => {
    const [ours, theirs] = open()
    await rejectsCode(serve(ours, null as unknown as object), 'ERR_WORMHOLE_ARGUMENT')
    for (const concurrency of [0, -1, 1.5, Number.NaN, '1' as unknown as number]) {
      await rejectsCode(serve(ours, {}, { concurrency }), 'ERR_WORMHOLE_ARGUMENT')
    }
    expect(() => caller({} as Link)).to.throw(WormholeError)
    const api = caller<{ x(): void }>(theirs)
    for (const timeout of [-1, Number.NaN, '1' as unknown as number]) {
      await rejectsCode(api.x(undefined, { timeout }), 'ERR_WORMHOLE_ARGUMENT')
    }
    void serve(ours, {})
    await rejectsCode(serve(ours, {}), 'ERR_WORMHOLE_ARGUMENT')
  })
})
