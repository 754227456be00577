import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { expect } from 'chai'
import { accept, connect, listen, type OwnedFd, peerCredentials, recvmsg, sendmsg } from 'wormhole-ipc/socket'
import { native } from '#lib/os/addon'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { turns } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'
import { isBlocking } from '../helpers/proc.js'

const connected = ['seqpacket', 'stream'] as const

async function textFrom(fd: OwnedFd): Promise<string> {
  const buffer = Buffer.alloc(1000)
  const { bytes } = await recvmsg(fd, buffer)
  return buffer.toString('utf8', 0, bytes)
}

let names = 0
/** A name of the abstract namespace that nobody else has. */
const fresh = () => `@wormhole-${process.pid}-${names++}`

describe('a named socket', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const inFolder = hasFolder()

  for (const type of connected) {
    for (const kind of ['path', 'abstract name', 'path of 300 bytes'] as const) {
      it(`of type ${type} accepts who connects to its ${kind}`, async () => {
        const name = kind === 'abstract name' ? fresh() : inFolder('socket')
        const long = kind === 'path of 300 bytes'
        const path = long ? name.replace(basename(name), `${'./'.repeat(130)}${basename(name)}`) : name
        const listening = keep(listen(path, { type }))
        const [theirs, ours] = await Promise.all([connect(path, { type }), accept(listening)])
        keep(theirs)
        keep(ours)
        await sendmsg(theirs, Buffer.from('hello'), [process.stderr.fd])
        const buffer = Buffer.alloc(9)
        const { bytes, fds } = await recvmsg(ours, buffer)
        expect([buffer.toString('utf8', 0, bytes), fds.length]).to.deep.equal(['hello', 1])
        for (const fd of fds) fd.close()
        for (const fd of [listening, theirs, ours]) expect(isBlocking(fd.fd)).to.equal(true)
        expect(peerCredentials(ours).pid).to.equal(process.pid)
        expect(peerCredentials(theirs).uid).to.equal(process.getuid?.())
      })
    }
  }

  it('is a stream unless it is told otherwise, which node:net can use', async () => {
    const listening = keep(listen(inFolder('socket')))
    const connecting = connect(inFolder('socket'))
    const [theirs, ours] = [keep(await connecting), keep(await accept(listening))]
    expect(socket.option(ours.fd, socket.SO_TYPE)).to.equal(socket.SOCK_STREAM)
    theirs.toSocket().end('from node:net')
    expect(await textFrom(ours)).to.equal('from node:net')
  })

  it('serves those who accept first come, first served', async () => {
    const name = fresh()
    const listening = keep(listen(name))
    const accepting = [1, 2, 3].map(() => accept(listening))
    for (const text of ['a', 'b', 'c']) await sendmsg(keep(await connect(name)), Buffer.from(text))
    const texts: string[] = []
    for (const connection of await Promise.all(accepting)) texts.push(await textFrom(keep(connection)))
    expect(texts).to.deep.equal(['a', 'b', 'c'])
  })

  it('lets who connects wait while its backlog is full, and loses nobody', async () => {
    const name = fresh()
    const listening = keep(listen(name, { backlog: 0 }))
    let waiting = 10
    const connections = Array.from({ length: waiting }, async (_, index) => {
      const connection = keep(await connect(name))
      waiting--
      await sendmsg(connection, Buffer.from(String(index)))
    })
    await turns()
    expect(waiting).to.be.above(5)
    const came: string[] = []
    for (const _ of connections) came.push(await textFrom(keep(await accept(listening))))
    expect(came.sort()).to.deep.equal([...Array(10).keys()].map(String))
    await Promise.all(connections)
  })

  it('ends the wait of who connects with the reason of a signal', async () => {
    const name = fresh()
    keep(listen(name, { backlog: 0 }))
    const before = openDescriptors()
    const first = keep(await connect(name))
    const controller = new AbortController()
    const second = connect(name, { signal: controller.signal })
    await turns()
    controller.abort('enough')
    expect(await second.catch((error) => error)).to.equal('enough')
    expect(await connect(name, { signal: controller.signal }).catch((error) => error)).to.equal('enough')
    expect(openDescriptors()).to.equal(before + 1)
    first.close()
  })

  it('tells why nobody can be reached', async () => {
    const path = inFolder('socket')
    expect((await rejectsCode(connect(path), 'ERR_WORMHOLE_SYSTEM')).message).to.include(
      `${path}: connect failed with ENOENT`
    )
    keep(listen(path)).close()
    expect((await rejectsCode(connect(path), 'ERR_WORMHOLE_SYSTEM')).message).to.include('ECONNREFUSED')
    keep(listen(path, { type: 'stream' }))
    const error = await rejectsCode(connect(path, { type: 'seqpacket' }), 'ERR_WORMHOLE_SYSTEM')
    expect([error.syscall, error.errno]).to.deep.equal(['connect', socket.EPROTOTYPE])
    await rejectsCode(connect(`@${'x'.repeat(108)}`), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(connect(inFolder('x'.repeat(120))), 'ERR_WORMHOLE_ARGUMENT')
    expect((await rejectsCode(connect(`/none${'/none'.repeat(30)}`), 'ERR_WORMHOLE_SYSTEM')).message).to.include(
      'ENOENT'
    )
  })

  it('refuses addresses and options that cannot be meant', async () => {
    for (const path of ['', '@', '\0name', 'a\0b', 'folder/', 5, undefined, { path: 'x' }]) {
      throwsCode(() => listen(path as string), 'ERR_WORMHOLE_ARGUMENT')
      await rejectsCode(connect(path as string), 'ERR_WORMHOLE_ARGUMENT')
    }
    const path = inFolder('socket')
    for (const options of [
      { type: 'raw' },
      { type: 'constructor' },
      { mode: -1 },
      { mode: 0o1000 },
      { mode: '600' },
      { backlog: -1 },
      { backlog: 0.5 },
      null,
      5,
    ]) {
      throwsCode(() => listen(path, options as never), 'ERR_WORMHOLE_ARGUMENT')
    }
    throwsCode(() => listen('@name', { mode: 0o600 }), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(connect(path, { signal: 5 } as never), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(connect(path, 5 as never), 'ERR_WORMHOLE_ARGUMENT')
    throwsCode(() => listen(inFolder('none/socket')), 'ERR_WORMHOLE_SYSTEM')
  })

  it('cannot accept on what does not listen', async () => {
    const file = openSync('package.json', 'r')
    const server = createServer()
    for (const fd of [file, 987_654, -1, {}, server]) await rejectsCode(accept(fd as number), 'ERR_WORMHOLE_BAD_FD')
    closeSync(file)
  })

  it('accepts for a net.Server, whose listening socket it leaves as it is', async () => {
    const server = createServer().listen(inFolder('socket'))
    const client = keep(await connect(inFolder('socket')))
    // Node's own loop accepts as well: what counts is that neither hangs.
    const controller = new AbortController()
    const accepted = accept(server, { signal: controller.signal }).then(keep, () => undefined)
    await turns()
    controller.abort()
    await accepted
    client.close()
    server.close()
  })
})

describe('a wait for a connection', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  const ways: Record<string, (fd: OwnedFd) => unknown> = {
    'close()': (fd) => fd.close(),
    'detach()': (fd) => closeSync(fd.detach()),
    'toServer()': async (fd) => (await fd.toServer()).close(),
    'fs.close() behind the library': (fd) => closeSync(fd.fd),
  }
  for (const [what, leave] of Object.entries(ways)) {
    it(`ends with ERR_WORMHOLE_CLOSED at ${what}`, async () => {
      const listening = keep(listen(fresh()))
      const waiting = [accept(listening), accept(listening.fd)]
      await turns()
      await leave(listening)
      for (const wait of waiting) await rejectsCode(wait, 'ERR_WORMHOLE_CLOSED')
    })
  }

  it('ends with the reason of its signal, and the connection goes to the next', async () => {
    const name = fresh()
    const listening = keep(listen(name))
    const controller = new AbortController()
    const aborted = accept(listening, { signal: controller.signal })
    await turns()
    controller.abort('enough')
    expect(await aborted.catch((error) => error)).to.equal('enough')
    keep(await connect(name))
    keep(await accept(listening))
  })

  it('gives a connection that is there by then, whatever has aborted', async () => {
    const name = fresh()
    const listening = keep(listen(name))
    const controller = new AbortController()
    const waiting = accept(listening, { signal: controller.signal })
    await turns()
    const fd = socket.openSocket(socket.SOCK_STREAM)
    const address = Buffer.from(`\0${name.slice(1)}`)
    const { stageAddress } = await import('#lib/wire/inbox')
    expect(socket.connect(fd, stageAddress(address), address.length)).to.equal(0)
    controller.abort()
    keep(await waiting)
    socket.close(fd)
  })

  it('never blocks in the kernel for a connection that another process has taken', () => {
    const listening = keep(listen(fresh()))
    // What is left for a process that comes second: a blocking socket, and nothing to accept.
    for (let count = 0; count < 10; count++) expect(native.accept(listening.fd)).to.equal(-4)
    expect(isBlocking(listening.fd)).to.equal(true)
  })

  it('leaves no timer and no signal behind', () => {
    const listening = keep(listen(fresh()))
    native.accept(listening.fd)
    expect(readFileSync('/proc/self/timers', 'latin1')).to.equal('')
    const blocked = /^SigBlk:\s*(\w+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))?.[1]
    native.accept(listening.fd)
    expect(/^SigBlk:\s*(\w+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))?.[1]).to.equal(blocked)
  })
})
