import { expect } from 'chai'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { usesForeign } from '../helpers/foreign.js'
import { frame } from '../helpers/reference-framer.js'
import { usesChildren } from '../helpers/uses-children.js'

/** Descriptors that bring no side stream, as Python's expressions. */
const kinds: [what: string, expression: string][] = [
  ['a file', `os.open('/proc/self/exe', os.O_RDONLY)`],
  ['a file in memory', `os.memfd_create('long')`],
  ['a device that ends at once', `os.open('/dev/null', os.O_RDWR)`],
  ['a device that never ends', `os.open('/dev/zero', os.O_RDONLY)`],
  ['a directory', `os.open('/', os.O_RDONLY)`],
  ['the reading end of a pipe', 'os.pipe()[0]'],
  ['the writing end of a pipe', 'os.pipe()[1]'],
  ['an event counter', 'os.eventfd(7)'],
  ['a process', 'os.pidfd_open(os.getpid())'],
  ['an epoll instance', 'select.epoll()'],
  ['a socket of packets', 'socketpair(AF_UNIX, SOCK_SEQPACKET)[0]'],
  ['a socket of datagrams', 'socketpair(AF_UNIX, SOCK_DGRAM)[0]'],
  ['a listening socket', `listening('', AF_UNIX, SOCK_STREAM)`],
  ['a socket that is not connected', 'socket(AF_UNIX, SOCK_STREAM)'],
  ['a TCP socket', 'socket(AF_INET, SOCK_STREAM)'],
]

describe('hostile: a long message whose side stream is none', () => {
  usesChildren()
  const foreign = usesForeign()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  /** The header of a message of four bytes, which should follow over a stream. */
  const header = frame('', 4n)

  for (const [what, expression] of kinds) {
    it(`fails alone, and all that came with it is closed: ${what}`, async () => {
      const made = keep(await foreign(expression))
      const peer = keep(new BarePeer(socket.SOCK_SEQPACKET))
      const before = openDescriptors()
      for (const fds of [[made.fd], [made.fd, made.fd], Array<number>(socket.SCM_MAX_FD).fill(made.fd)]) {
        peer.write(header, fds)
        peer.write(frame('"next"'))
        const [failure, ...next] = peer.drain()
        expect(failure).to.include({ code: 'ERR_WORMHOLE_MALFORMED' })
        expect(next).to.deep.equal([{ value: 'next' }])
        expect(openDescriptors()).to.equal(before)
      }
    })
  }
})
