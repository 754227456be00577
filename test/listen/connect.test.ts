import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { channel, type Receiver } from 'wormhole-ipc'
import { connect, type Listener, listen } from 'wormhole-ipc/listen'
import { accept, listen as listenSocket, type OwnedFd, recvmsg, sendmsg } from 'wormhole-ipc/socket'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { turns } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'
import { sized } from '../helpers/long.js'

describe('connect()', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()
  const inFolder = hasFolder()

  async function servesOnce(listener: Listener): Promise<void> {
    const client = await listener.accept()
    const [sender, news] = channel<string>()
    await client.give({ news })
    await sender.send('here')
    sender.close()
  }

  it('waits for a listener that is not there yet, and for one at a stale path', async () => {
    const path = inFolder('socket')
    for (const stale of [false, true]) {
      if (stale) keep(listenSocket(path)).close()
      const connecting = connect<{ news: Receiver<string> }>(path, { timeout: 60_000 })
      await turns()
      await using listener = await listen(path)
      await servesOnce(listener)
      const { news } = await connecting
      expect(await keep(news).recv()).to.equal('here')
    }
  })

  it('gives up at its timeout, and says why', async () => {
    const path = inFolder('socket')
    const nobody = await rejectsCode(connect(path, { timeout: 20 }), 'ERR_WORMHOLE_UNREACHABLE')
    expect(nobody.message).to.equal(`no listener at ${path} has given ends within 20 ms: nobody listens there`)
    await using listener = await listen(path)
    const silent = await rejectsCode(connect(listener.path as string, { timeout: 20 }), 'ERR_WORMHOLE_UNREACHABLE')
    expect(silent.message).to.include('has not answered')
    await rejectsCode(connect(path, { timeout: 0 }), 'ERR_WORMHOLE_UNREACHABLE')
    // They are gone, but the kernel has kept their connections.
    for (let count = 0; count < 2; count++) await (await listener.accept()).gone
  })

  it('ends with the reason of its signal, whatever it waits for', async () => {
    const path = inFolder('socket')
    const before = openDescriptors()
    const controller = new AbortController()
    const waiting = connect(path, { signal: controller.signal })
    await turns()
    controller.abort('enough')
    expect(await waiting.catch((error) => error)).to.equal('enough')
    expect(await connect(path, { signal: controller.signal }).catch((error) => error)).to.equal('enough')
    await using listener = await listen(path)
    const second = new AbortController()
    const unanswered = connect(listener.path as string, { signal: second.signal })
    const client = await listener.accept()
    second.abort('enough')
    expect(await unanswered.catch((error) => error)).to.equal('enough')
    await client.gone
    expect(openDescriptors()).to.equal(before + 1)
  })

  it('looks for the next listener if the one that was there ends without an answer', async () => {
    const path = inFolder('socket')
    const first = await listen(path)
    const connecting = connect<{ news: Receiver<string> }>(path)
    await turns()
    first.close()
    await using second = await listen(path)
    await servesOnce(second)
    expect(await keep((await connecting).news).recv()).to.equal('here')
  })

  it('refuses options that cannot be meant', async () => {
    for (const options of [5, null, { timeout: -1 }, { timeout: '5' }, { signal: 5 }]) {
      await rejectsCode(connect(inFolder('x'), options as never), 'ERR_WORMHOLE_ARGUMENT')
    }
    for (const path of ['', '@', 5, undefined]) await rejectsCode(connect(path as string), 'ERR_WORMHOLE_ARGUMENT')
  })

  it('does not wait for what will not change: another type of socket, a path that is none', async () => {
    const path = inFolder('socket')
    const server = createServer().listen(path)
    await once(server, 'listening')
    expect((await rejectsCode(connect(path), 'ERR_WORMHOLE_SYSTEM')).message).to.include('EPROTOTYPE')
    server.close()
    const through = await rejectsCode(connect('package.json/socket'), 'ERR_WORMHOLE_SYSTEM')
    expect(through.message).to.include('ENOTDIR')
  })

  describe('to something that lies', () => {
    const lies: [string, string | Uint8Array, number, string][] = [
      ['says what is not JSON', 'hello', 0, 'ERR_WORMHOLE_MALFORMED'],
      ['says nothing', '', 0, 'ERR_WORMHOLE_MALFORMED'],
      ['says null', 'null', 0, 'ERR_WORMHOLE_MALFORMED'],
      ['answers neither way', '{}', 2, 'ERR_WORMHOLE_MALFORMED'],
      ['gives an end without a descriptor', '{"give":{"a":{"fd":0,"end":"sender"}}}', 0, 'ERR_WORMHOLE_MALFORMED'],
      ['gives a file as an end', '{"give":{"a":{"fd":0,"end":"sender"}}}', 1, 'ERR_WORMHOLE_MALFORMED'],
      [
        'gives one descriptor twice',
        '{"give":{"a":{"fd":0,"end":"sender"},"b":{"fd":0,"end":"sender"}}}',
        1,
        'ERR_WORMHOLE_MALFORMED',
      ],
      ['gives an end of no kind', '{"give":{"a":{"fd":0,"end":"middle"}}}', 1, 'ERR_WORMHOLE_MALFORMED'],
      ['gives half a link', '{"give":{"a":{"sender":{"fd":0,"end":"sender"}}}}', 1, 'ERR_WORMHOLE_MALFORMED'],
      ['gives a negative place', '{"give":{"a":{"fd":-1,"end":"sender"}}}', 1, 'ERR_WORMHOLE_MALFORMED'],
      ['sends more than a packet of names', Buffer.alloc(100_000, 'x'), 0, 'ERR_WORMHOLE_MALFORMED'],
      ['sends descriptors that it does not name', '{"give":{}}', 253, 'none'],
      ['refuses with descriptors', '{"refuse":"no"}', 253, 'ERR_WORMHOLE_REFUSED'],
    ]
    for (const [lie, text, fds, code] of lies) {
      it(`and ${lie} ends with ${code === 'none' ? 'nothing lost' : code}, and leaves nothing open`, async () => {
        const path = inFolder('socket')
        const listening = keep(listenSocket(path, { type: 'seqpacket' }))
        const before = openDescriptors()
        for (let count = 0; count < sized(2, 50); count++) {
          const connecting = connect(path)
          const connection = await accept(listening)
          const given = Array<number>(fds).fill(process.stderr.fd)
          await sendmsg(connection, typeof text === 'string' ? Buffer.from(text) : text, given)
          if (code === 'none') expect(Object.keys(await connecting)).to.deep.equal([])
          else await rejectsCode(connecting, code as 'ERR_WORMHOLE_MALFORMED')
          connection.close()
        }
        expect(openDescriptors()).to.equal(before)
      })
    }

    it('and names an end of an option that no channel has, closes all of them', async () => {
      const path = inFolder('socket')
      const listening = keep(listenSocket(path, { type: 'seqpacket' }))
      for (const wrong of ['"coalesce":5', '"maxMessageBytes":-1']) {
        const connecting = connect(path)
        const connection = keep(await accept(listening))
        const [[first, b], [second, d]] = [open(), open()]
        const text = `{"give":{"a":{"fd":0,"end":"sender"},"b":{"fd":1,"end":"sender",${wrong}}}}`
        await sendmsg(connection, Buffer.from(text), [first, second])
        await rejectsCode(connecting, 'ERR_WORMHOLE_MALFORMED')
        for (const receiver of [b, d]) await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
      }
    })

    it('and gives in the form of docs/wire.md, works', async () => {
      const path = inFolder('socket')
      const listening = keep(listenSocket(path, { type: 'seqpacket' }))
      const connecting = connect<{ a: Receiver<string> }>(path)
      const connection: OwnedFd = keep(await accept(listening))
      const buffer = Buffer.alloc(100)
      const { bytes } = await recvmsg(connection, buffer)
      expect(buffer.toString('utf8', 0, bytes)).to.equal('{"wormhole":1}')
      const [sender, receiver] = open<string>()
      await sendmsg(connection, Buffer.from('{"give":{"a":{"fd":0,"end":"receiver"}}}'), [receiver])
      const { a } = await connecting
      await sender.send('works')
      expect(await keep(a).recv()).to.equal('works')
    })
  })
})
