import { once } from 'node:events'
import { closeSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { caller, type Link, link, serve } from 'wormhole-ipc/calls'
import { type Client, connect, type Ends, type Listener, listen } from 'wormhole-ipc/listen'
import { spawn } from 'wormhole-ipc/process'
import { connect as connectSocket, listen as listenSocket } from 'wormhole-ipc/socket'
import { start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { turns } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'
import { until } from '../helpers/until.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('a listener', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep, open } = closesEnds()
  const inFolder = hasFolder()
  const listeners: Listener[] = []
  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.close()
  })
  let names = 0
  const listenAt = async (path = `@wormhole-listen-${process.pid}-${names++}`, mode?: number) => {
    const listener = await listen(path, mode === undefined ? {} : { mode })
    listeners.push(listener)
    return listener
  }
  const meet = async <C extends Ends>(give: C): Promise<[C, Client]> => {
    const listener = await listenAt()
    const [ends, client] = await Promise.all([
      connect<C>(listener.path as string),
      listener.accept().then(async (client) => {
        await client.give(give)
        return client
      }),
    ])
    return [ends, client]
  }

  for (const kind of ['path', 'abstract name'] as const) {
    it(`gives ends by name to who connects to its ${kind}`, async () => {
      const listener = await listenAt(kind === 'path' ? inFolder('socket') : undefined)
      const [sender, news] = open<{ at: Date }>({ maxMessageBytes: 5000, coalesce: false })
      const connecting = connect<{ news: Receiver<{ at: string }> }>(listener.path as string)
      const client = await listener.accept()
      expect(client.credentials).to.deep.equal({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
      await client.give({ news })
      expect(news.closed).to.equal(true)
      const ends = await connecting
      await sender.send({ at: new Date(0) })
      expect(await ends.news.recv()).to.deep.equal({ at: new Date(0).toJSON() })
      expect((keep(ends.news) as unknown as { limits: object }).limits).to.deep.equal({
        maxMessageBytes: 5000,
        coalesce: false,
      })
      listener.close()
    })
  }

  it('gives ends as inherited() gives them: a wrong name and the other kind of end throw', async () => {
    const [sender, receiver] = open()
    const [ends] = await meet({ in: receiver })
    keep(ends.in)
    expect(Object.keys(ends)).to.deep.equal(['in'])
    throwsCode(() => (ends as Ends).out, 'ERR_WORMHOLE_NO_CHANNEL')
    throwsCode(() => (ends.in as unknown as Sender<number>).send(1), 'ERR_WORMHOLE_NO_CHANNEL')
    expect(await ends).to.equal(ends)
    sender.close()
  })

  it('types what the client gets, and what it must be given', async () => {
    interface Given {
      jobs: Receiver<number>
      done: Sender<string>
    }
    expectTypeOf(connect<Given>).returns.toEqualTypeOf<Promise<Given>>()
    expectTypeOf(connect).returns.toEqualTypeOf<Promise<Ends>>()
    const [, jobs] = open<number>()
    const [client] = [{} as Client]
    // @ts-expect-error "done" is missing
    expect(() => client.give<Given>({ jobs })).to.throw()
  })

  it('gives links, over which both sides call', async () => {
    const [ours, theirs] = link()
    const [{ api }] = await meet<{ api: Link }>({ api: theirs })
    const served = serve(ours, { double: (n: number) => 2 * n })
    expect(await caller<{ double(n: number): number }>(api).double(21)).to.equal(42)
    for (const end of [api.sender, api.receiver]) end.close()
    await served
  })

  it('gives up to 253 ends in one packet, and no more', async () => {
    const all = (count: number) => {
      const pairs = Array.from({ length: count }, () => channel())
      return { pairs, ends: Object.fromEntries(pairs.map(([, end], index) => [`end ${index}`, end])) }
    }
    const most = all(253)
    const [ends] = await meet(most.ends)
    expect(Object.keys(ends)).to.have.length(253)
    for (const end of Object.values(ends)) (end as Receiver<unknown>).close()
    for (const [sender] of most.pairs) sender.close()

    const more = all(254)
    const listener = await listenAt()
    const connecting = connect(listener.path as string)
    const client = await listener.accept()
    await rejectsCode(client.give(more.ends), 'ERR_WORMHOLE_TOO_MANY_FDS')
    for (const [sender, receiver] of more.pairs) {
      expect(receiver.closed).to.equal(false)
      for (const end of [sender, receiver]) end.close()
    }
    await client.give({})
    expect(Object.keys(await connecting)).to.deep.equal([])
  })

  it('leaves the ends as they were if it cannot give them', async () => {
    const listener = await listenAt()
    const connecting = connect(listener.path as string)
    const client = await listener.accept()
    const [sender, receiver] = open()
    for (const [wrong, code] of [
      [null, 'ERR_WORMHOLE_ARGUMENT'],
      [{ a: 5 }, 'ERR_WORMHOLE_ARGUMENT'],
      [{ a: sender, b: sender }, 'ERR_WORMHOLE_ARGUMENT'],
      [{ ['x'.repeat(70_000)]: sender }, 'ERR_WORMHOLE_ARGUMENT'],
    ] as const) {
      await rejectsCode(client.give(wrong as never), code)
    }
    const [closed] = open()
    closed.close()
    await rejectsCode(client.give({ sender, closed }), 'ERR_WORMHOLE_CLOSED')
    await sender.send('as before')
    expect(await receiver.recv()).to.equal('as before')
    await client.give({ sender })
    const ends = await connecting
    keep((ends as { sender: Sender<never> }).sender)
    await rejectsCode(client.give({}), 'ERR_WORMHOLE_CLOSED')
    await rejectsCode(client.refuse('late'), 'ERR_WORMHOLE_CLOSED')
  })

  it('refuses with a reason', async () => {
    const listener = await listenAt()
    const connecting = connect(listener.path as string)
    const client = await listener.accept()
    await rejectsCode(client.refuse(5 as never), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(client.refuse('x'.repeat(70_000)), 'ERR_WORMHOLE_ARGUMENT')
    await client.refuse('no room för you')
    const error = await rejectsCode(connecting, 'ERR_WORMHOLE_REFUSED')
    expect(error.message).to.include('no room för you')
    expect(error.received).to.equal('no room för you')
    await client.gone
  })

  it('serves processes, in the order in which they come, and tells when each is gone', async () => {
    const path = inFolder('socket')
    const children = [startNode('listen-client', [path]), startNode('listen-client', [path])]
    const listener = await listenAt(path)
    const pids: number[] = []
    for (const _ of children) {
      const client = await listener.accept()
      const [words, received] = open<string>()
      const [echo, echoed] = open<string>()
      await client.give({ words: received, echo })
      await words.send('hello')
      const { pid } = client.credentials
      pids.push(pid)
      expect(await echoed.recv()).to.equal(`${pid} hello`)
      let isGone = false
      void client.gone.then(() => {
        isGone = true
      })
      await turns()
      expect(isGone).to.equal(false)
      if (pids.length === 1) process.kill(pid, 'SIGKILL')
      else words.close()
      await client.gone
    }
    expect(pids.sort()).to.deep.equal(children.map((child) => child.process.pid).sort())
    const codes = await Promise.all(children.map(({ ended }) => ended))
    expect(codes.map(({ code, signal }) => code ?? signal).sort()).to.deep.equal([0, 'SIGKILL'])
  })

  it('sees a client go when its ends are all closed or passed on', async () => {
    for (const leave of [
      (end: Receiver<unknown>) => end.close(),
      (end: Receiver<unknown>) => closeSync(end.detach()),
      async (end: Receiver<unknown>) => once(spawn('true', [], { stdio: 'ignore', channels: { end } }), 'close'),
    ]) {
      const [sender, receiver] = open()
      const [ends, client] = await meet({ a: receiver })
      const fd = ends.a.fd
      await leave(ends.a as Receiver<unknown>)
      await client.gone
      sender.close()
      if (existsSync(`/proc/self/fd/${fd}`)) expect(ends.a.closed).to.equal(true)
    }
  })

  it('iterates over clients until it is closed', async () => {
    const listener = await listenAt()
    const served: number[] = []
    const serving = (async () => {
      for await (const client of listener) {
        served.push(client.credentials.pid)
        await client.give({})
      }
    })()
    for (let count = 0; count < 3; count++) await connect(listener.path as string)
    listener.close()
    await serving
    expect(served).to.deep.equal([process.pid, process.pid, process.pid])
    await rejectsCode(listener.accept(), 'ERR_WORMHOLE_CLOSED')
    listener.close()
  })

  it('goes on after an iteration was left', async () => {
    const listener = await listenAt()
    const connecting = [1, 2].map(() => connect(listener.path as string))
    for await (const client of listener) {
      await client.give({})
      break
    }
    const iterator = listener[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await (await waiting).value.give({})
    const left = iterator.next()
    await iterator.return?.()
    expect(await left).to.include({ done: true })
    await Promise.all(connecting)
    const third = connect(listener.path as string)
    await (await listener.accept()).give({})
    await third
  })

  it('ends a wait with the reason of a signal, and the client goes to the next', async () => {
    const listener = await listenAt()
    const controller = new AbortController()
    const waiting = listener.accept({ signal: controller.signal })
    await turns()
    controller.abort('enough')
    expect(await waiting.catch((error) => error)).to.equal('enough')
    expect(await listener.accept({ signal: controller.signal }).catch((error) => error)).to.equal('enough')
    const connecting = connect(listener.path as string)
    await (await listener.accept()).give({})
    await connecting
  })

  it('is closed by the signal of listen(), by await using, and once', async () => {
    const controller = new AbortController()
    const path = inFolder('socket')
    const listener = await listen(path, { signal: controller.signal })
    const waiting = listener.accept()
    controller.abort('enough')
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    expect(existsSync(path)).to.equal(false)
    expect(await listen(path, { signal: controller.signal }).catch((error) => error)).to.equal('enough')
    {
      await using second = await listen(path)
      expect(existsSync(second.path as string)).to.equal(true)
    }
    expect(existsSync(path)).to.equal(false)
  })

  it('has a path of mode 0600, or of the mode that it was told', async () => {
    await listenAt(inFolder('a'))
    await listenAt(inFolder('b'), 0o666)
    expect(statSync(inFolder('a')).mode & 0o777).to.equal(0o600)
    expect(statSync(inFolder('b')).mode & 0o777).to.equal(0o666)
  })

  it('replaces a stale path, leaves a live one, and removes only its own', async () => {
    const path = inFolder('socket')
    keep(listenSocket(path)).close()
    const first = await listenAt(path)
    await rejectsCode(listen(path), 'ERR_WORMHOLE_ADDRESS_IN_USE')
    // Somebody moves it away, and another listens there.
    renameSync(path, inFolder('moved'))
    const second = await listenAt(path)
    first.close()
    expect(readdirSync(inFolder('.')).sort()).to.deep.equal(['moved', 'socket'])
    second.close()
    expect(readdirSync(inFolder('.'))).to.deep.equal(['moved'])
  })

  it('lets its process end once it is unrefed', async () => {
    const code = `
      import { listen } from 'wormhole-ipc/listen'
      const listener = await listen('@wormhole-unref-${process.pid}')
      void listener.unref().accept()
      process.once('exit', () => console.log('ends'))`
    const { stdout, stderr } = await start(process.execPath, ['--input-type=module', '-e', code]).ended
    expect([stdout, stderr]).to.deep.equal(['ends\n', ''])
  })

  it('adopts a listening socket that it was given, and leaves its path alone', async () => {
    const path = inFolder('socket')
    const given = keep(listenSocket(path, { type: 'seqpacket' }))
    const listener = await listen(given)
    listeners.push(listener)
    expect([given.fd, listener.path]).to.deep.equal([-1, path])
    const connecting = connect(path)
    await (await listener.accept()).give({})
    await connecting
    listener.close()
    expect(existsSync(path)).to.equal(true)
    const named = keep(listenSocket(`@wormhole-given-${process.pid}`, { type: 'seqpacket' }))
    listeners.push(await listen({ fd: named.detach() }))
    expect(listeners.at(-1)?.path).to.equal(`@wormhole-given-${process.pid}`)
  })

  it('refuses what it cannot listen on', async () => {
    const stream = keep(listenSocket(inFolder('stream')))
    const [sender] = open()
    for (const fd of [stream.fd, sender.fd, 987_654]) await rejectsCode(listen({ fd }), 'ERR_WORMHOLE_BAD_FD')
    for (const path of ['', '@', 5, null, undefined, { fd: 'x' }, {}]) {
      await rejectsCode(listen(path as string), 'ERR_WORMHOLE_ARGUMENT')
    }
    for (const options of [{ mode: 0o1000 }, { mode: '600' }, { signal: 5 }, 5]) {
      await rejectsCode(listen(inFolder('x'), options as never), 'ERR_WORMHOLE_ARGUMENT')
    }
    await rejectsCode(listen('@x', { mode: 0o600 }), 'ERR_WORMHOLE_ARGUMENT')
    const seqpacket = keep(listenSocket(inFolder('given'), { type: 'seqpacket' }))
    await rejectsCode(listen(seqpacket, { mode: 0o600 }), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(listen(inFolder('none/x')), 'ERR_WORMHOLE_SYSTEM')
    expect(readdirSync(inFolder('.')).sort()).to.deep.equal(['given', 'stream'])
    expect((await rejectsCode((await listenAt()).accept(5 as never), 'ERR_WORMHOLE_ARGUMENT')).message).to.include(
      'accept()'
    )
  })

  it('has told a client that is gone from one that is there', async () => {
    const listener = await listenAt()
    const raw = keep(await connectSocket(listener.path as string, { type: 'seqpacket' }))
    const client = await listener.accept()
    raw.close()
    await client.gone
    expect(client.credentials.pid).to.equal(process.pid)
    const [sender] = open()
    await rejectsCode(client.give({ sender }), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(client.refuse('late'), 'ERR_WORMHOLE_DISCONNECTED')
    expect(sender.closed).to.equal(false)
    const before = openDescriptors()
    await until('nothing is open', () => openDescriptors() <= before)
  })
})
