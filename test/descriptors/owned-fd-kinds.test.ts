import { openSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { openPipe, openText } from '../helpers/files.js'
import { usesForeign } from '../helpers/foreign.js'
import { rawPair } from '../helpers/raw.js'

type Method = 'toSocket' | 'toServer' | 'readStream' | 'writeStream' | 'sender' | 'receiver'

const ends: Method[] = ['sender', 'receiver']
const streams: Method[] = ['readStream', 'writeStream']

// Node's net is never tried with these: it may abort the process (nodejs/node#63308).
describe('an OwnedFd of a kind that cannot serve', () => {
  const foreign = usesForeign()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  const cases: [what: string, make: () => OwnedFd | Promise<OwnedFd>, methods: Method[]][] = [
    ['a file', () => own(openText('')), ['toSocket', 'toServer', ...ends]],
    ['a directory', () => own(openSync('/', 'r')), ['toSocket', 'toServer', ...streams, ...ends]],
    ['a character device', () => own(openSync('/dev/null', 'r+')), ['toSocket', 'toServer', ...ends]],
    ['a pipe', () => openPipe().map(own)[0] as OwnedFd, ['toServer', ...ends]],
    ['an epoll instance', () => foreign('select.epoll()'), ['toSocket', 'toServer', ...ends]],
    ['an eventfd', () => foreign('os.eventfd(0)'), ['toSocket', 'toServer', ...ends]],
    [
      'a SOCK_SEQPACKET socket',
      () => rawPair(socket.SOCK_SEQPACKET).map(own)[0] as OwnedFd,
      ['toSocket', 'toServer', ...streams],
    ],
    ['a connected SOCK_STREAM socket', () => rawPair(socket.SOCK_STREAM).map(own)[0] as OwnedFd, ['toServer']],
    ['a Unix socket that is not connected', () => foreign('socket(AF_UNIX)'), ['toServer', ...ends]],
    [
      'a SOCK_SEQPACKET socket that is not connected',
      () => foreign('socket(AF_UNIX, SOCK_SEQPACKET)'),
      ['toSocket', 'toServer', ...streams, ...ends],
    ],
    ['a TCP socket', () => foreign('socket(AF_INET)'), ['toServer', ...ends]],
    [
      'a listening TCP socket',
      () => foreign("listening(('127.0.0.1', 0), AF_INET)"),
      ['toSocket', ...streams, ...ends],
    ],
    ['a listening Unix socket', () => foreign("listening('', AF_UNIX)"), ['toSocket', ...streams, ...ends]],
    [
      'a listening SOCK_SEQPACKET socket',
      () => foreign("listening('', AF_UNIX, SOCK_SEQPACKET)"),
      ['toSocket', 'toServer', ...streams, ...ends],
    ],
    ['a datagram socket', () => foreign('socket(AF_INET, SOCK_DGRAM)'), ['toSocket', 'toServer', ...streams, ...ends]],
    [
      'a Unix datagram socket',
      () => foreign('socket(AF_UNIX, SOCK_DGRAM)'),
      ['toSocket', 'toServer', ...streams, ...ends],
    ],
  ]
  for (const [what, make, methods] of cases) {
    it(`refuses ${methods.join(', ')} and stays open and owned: ${what}`, async () => {
      const owned = keep(await make())
      const { fd, kind } = owned
      for (const method of methods) {
        // Only toServer is a promise.
        const call = async () => (owned[method] as () => unknown)()
        const error = await call().catch((reason: unknown) => reason)
        expect(error, method).to.have.property('code', 'ERR_WORMHOLE_BAD_FD')
        expect([owned.fd, owned.kind], method).to.deep.equal([fd, kind])
        throwsCode(() => new OwnedFd(fd), 'ERR_WORMHOLE_BAD_FD')
      }
    })
  }

  it('says that it is of another kind', async () => {
    expect(keep(await foreign('select.epoll()')).kind).to.equal('other')
    expect(keep(await foreign("os.memfd_create('memory')")).kind).to.equal('file')
  })
})
