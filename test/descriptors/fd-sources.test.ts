import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { peerCredentials, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { usesForeign } from '../helpers/foreign.js'
import { connection } from '../helpers/net.js'

describe('what descriptors are taken from', () => {
  const foreign = usesForeign()
  leavesNoDescriptors()

  it('says that an end or an OwnedFd was named twice, and moves nothing', async () => {
    const [sender, receiver] = channel()
    const [reply, answers] = channel()
    const [a, b] = socketpair('seqpacket')
    for (const twice of [
      [a, a],
      [reply, a, reply],
    ]) {
      const error = await rejectsCode((async () => sender.sendWithFds(null, twice))(), 'ERR_WORMHOLE_ARGUMENT')
      expect(error.message).to.include('twice')
      expect((await rejectsCode(sendmsg(b, Buffer.from('x'), twice), 'ERR_WORMHOLE_ARGUMENT')).message).to.include(
        'twice'
      )
    }
    await sender.sendWithFds(null, [a, reply])
    for (const fd of (await receiver.recvWithFds())[1]) fd.close()
    for (const end of [sender, receiver, answers, b]) end.close()
  })

  it('refuses a TLSSocket, a socket that connects, and one that is destroyed', async () => {
    const [sender, receiver] = channel()
    const [near, far] = await connection('unix')
    const tls = new TLSSocket(near)
    tls.on('error', () => {})
    const server = createServer().listen(0)
    await once(server, 'listening')
    const connecting = connect((server.address() as { port: number }).port, '127.0.0.1')
    const pending = async (source: typeof connecting) => sender.sendWithFds(null, [source])
    expect((await rejectsCode(pending(tls), 'ERR_WORMHOLE_BAD_FD')).message).to.include('TLSSocket')
    expect((await rejectsCode(pending(connecting), 'ERR_WORMHOLE_BAD_FD')).message).to.include('while it connects')
    await once(connecting, 'connect')
    connecting.destroy()
    await rejectsCode(pending(connecting), 'ERR_WORMHOLE_BAD_FD')
    tls.destroy()
    far.destroy()
    server.close()
    await once(server, 'close')
    sender.close()
    receiver.close()
  })

  it('never names a peer that the kernel does not know', async () => {
    for (const [expression, reason] of [
      ['socket(AF_UNIX, SOCK_DGRAM)', 'no recorded peer'],
      ["(lambda s: (s.bind(''), s)[1])(socket(AF_UNIX, SOCK_DGRAM))", 'no recorded peer'],
      ['socket(AF_UNIX)', 'no recorded peer'],
      ['socket(AF_INET)', 'not a Unix socket'],
      ['socket(AF_INET, SOCK_DGRAM)', 'not a Unix socket'],
      ["listening('', AF_UNIX)", 'listening'],
    ] as const) {
      const owned = await foreign(expression)
      expect(throwsCode(() => peerCredentials(owned), 'ERR_WORMHOLE_BAD_FD').message).to.include(reason)
      owned.close()
    }
  })
})
