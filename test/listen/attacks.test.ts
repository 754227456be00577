import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import type { Receiver, WormholeError } from 'wormhole-ipc'
import { connect } from 'wormhole-ipc/listen'
import { connect as connectSocket, type OwnedFd, sendmsg } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { hasFolder } from '../helpers/folder.js'
import { type ListenServer, startListenServer } from '../helpers/listen-server.js'
import { MAX_MS, sized, tried } from '../helpers/long.js'
import { usesChildren } from '../helpers/uses-children.js'

interface Given {
  words: Receiver<string>
}

describe('a listener that is attacked', function () {
  this.timeout(MAX_MS)
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const inFolder = hasFolder()
  let server: ListenServer
  let path = ''

  beforeEach(async () => {
    path = inFolder('socket')
    server = await startListenServer(path)
  })
  afterEach(() => server.stop())

  async function isServed(): Promise<void> {
    const { words } = await connect<Given>(path)
    expect(await words.recv()).to.equal('welcome')
    words.close()
  }
  const raw = async () => keep(await connectSocket(path, { type: 'seqpacket' }))

  /** Resolves once the server has no more descriptors open than before. */
  async function recovers(before: number): Promise<void> {
    for (let look = 0; look < 10_000; look++) {
      if ((await server.state()).open <= before) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await server.state()).open).to.equal(before)
  }

  it('serves who comes while many say nothing, of whom it serves few and keeps few', async () => {
    await isServed()
    const { open } = await server.state()
    const silent: OwnedFd[] = []
    const count = sized(1000, 5000)
    while (silent.length < count) silent.push(await raw())
    await isServed()
    const { open: most, served } = await server.state()
    // The honest two, and of the silent 64; each has a connection and a sender. 256 more wait.
    expect(served).to.be.at.most(2 + 64)
    expect(most - open).to.be.at.most(2 * 64 + 256)
    for (const fd of silent) fd.close()
    await recovers(open)
    tried(count, 'silent connections')
  })

  it('serves who comes during a flood of connections that go on and on', async () => {
    await isServed()
    const { open } = await server.state()
    const flood = spawn(
      'python3',
      [
        '-c',
        `import socket, sys
held = []
print(0, flush=True)
while True:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        s.connect(sys.argv[1])
    except OSError:
        break
    held.append(s)
    if len(held) > 500:
        held.pop(0).close()`,
        path,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    await once(flood.stdout, 'data')
    for (let count = 0; count < sized(20, 500); count++) await isServed()
    const gone = once(flood, 'close')
    flood.kill('SIGKILL')
    await gone
    await recovers(open)
    tried(sized(20, 500), 'honest clients during a flood')
  })

  it('is not held up by clients that say too much, with descriptors and without', async () => {
    await isServed()
    const { open } = await server.state()
    const chatty: OwnedFd[] = []
    for (let count = 0; count < sized(50, 1000); count++) {
      const fd = await raw()
      chatty.push(fd)
      const full = new AbortController()
      for (let packets = 0; packets < 20; packets++) {
        const files = packets % 2 === 0 ? [] : Array<number>(20).fill(process.stderr.fd)
        void sendmsg(fd, Buffer.alloc(packets * 1000), files, { signal: full.signal })
      }
      full.abort()
    }
    await isServed()
    // Each that has been served has a connection and a sender there; nothing of what it says.
    expect((await server.state()).open - open).to.be.at.most(2 * chatty.length)
    for (const fd of chatty) fd.close()
    await recovers(open)
    tried(chatty.length, 'clients that say too much')
  })

  it('is not held up by clients that die at any moment', async () => {
    await isServed()
    const { open } = await server.state()
    const count = sized(200, 5000)
    for (let round = 0; round < count; round++) {
      const fd = await connectSocket(path, { type: 'seqpacket' })
      if (round % 3 === 1) await sendmsg(fd, Buffer.from('{"wormhole":1}')).catch(() => undefined)
      if (round % 3 === 2) await Promise.race([connect<Given>(path).then(({ words }) => words.close()), undefined])
      fd.close()
    }
    await isServed()
    await recovers(open)
    tried(count, 'clients that die')
  })

  it('survives having no descriptor to spare, and serves again', async () => {
    const tight = inFolder('tight')
    const small = await startListenServer(tight, 128)
    const held: Receiver<string>[] = []
    let failed = 0
    // Each takes two descriptors there, while it is held here.
    for (let count = 0; count < 128; count++) {
      const outcome = await connect<Given>(tight, { timeout: 200 }).catch(() => undefined)
      if (outcome === undefined) failed++
      else held.push(outcome.words)
      if (failed > 2) break
    }
    expect(failed).to.be.above(0)
    for (const words of held) words.close()
    const { words } = await connectOnceThereIsRoom(tight)
    expect(await words.recv()).to.equal('welcome')
    words.close()
    await small.stop()
  })

  /** Connects to a server that refuses until it has noticed that others are gone. */
  async function connectOnceThereIsRoom(full: string): Promise<Given> {
    for (;;) {
      const given = await connect<Given>(full).catch((error: WormholeError) => {
        if (error.code !== 'ERR_WORMHOLE_REFUSED') throw error
      })
      if (given !== undefined) return given
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  it('serves 500 clients at once, and leaks nothing over many in a row', async () => {
    await isServed()
    const { open, served } = await server.state()
    const clients = await Promise.all(Array.from({ length: 500 }, () => connect<Given>(path)))
    for (const { words } of clients) expect(await words.recv()).to.equal('welcome')
    for (const { words } of clients) words.close()
    const count = sized(500, 10_000)
    for (let round = 0; round < count; round++) await isServed()
    expect((await server.state()).served).to.equal(served + 500 + count)
    await recovers(open)
    tried(500 + count, 'connects and gives')
  })
})
