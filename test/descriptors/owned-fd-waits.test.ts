import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd, type SocketOptions } from 'wormhole-ipc'
import { socketpair } from 'wormhole-ipc/socket'
import { duplicate } from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { usesForeign } from '../helpers/foreign.js'
import { textFrom } from '../helpers/net.js'
import { skipUnderAsan } from '../helpers/under-asan.js'

const O_NONBLOCK = 0o4000

function flagsOf(file: string): number {
  return Number.parseInt(/^flags:\s*([0-7]+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '', 8)
}

describe('the streams of an OwnedFd whose reads may wait', () => {
  const foreign = usesForeign()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  for (const expression of [
    'os.eventfd(0)',
    'select.epoll()',
    'os.pidfd_open(os.getppid())',
    '__import__("ctypes").CDLL(None).timerfd_create(0, 0)',
    '__import__("ctypes").CDLL(None).inotify_init()',
  ]) {
    it(`refuse what would occupy a thread of the pool: ${expression}`, async function () {
      const owned = keep(
        await foreign(expression).catch(() => {
          this.skip()
        })
      ) as OwnedFd
      for (const method of ['readStream', 'writeStream'] as const) {
        throwsCode(() => owned[method](), 'ERR_WORMHOLE_BAD_FD')
        expect(owned.fd, method).to.be.at.least(0)
      }
    })
  }

  it('read devices that never wait, and write them', async () => {
    for (const device of ['/dev/zero', '/dev/urandom']) {
      const stream = own(openSync(device, 'r')).readStream()
      expect((await once(stream, 'data'))[0])
        .to.have.property('length')
        .above(0)
      stream.destroy()
      await once(stream, 'close')
    }
    expect(await textFrom(own(openSync('/dev/null', 'r')).readStream())).to.equal('')
    const sink = own(openSync('/dev/null', 'w')).writeStream()
    sink.end('gone')
    await once(sink, 'close')
  })

  it("read a pseudo terminal's master as a terminal, which ends where the other side is closed", async () => {
    const master = await foreign('(lambda pair: (os.write(pair[1], b"typed\\n"), os.dup(pair[0]))[1])(os.openpty())')
    const stream = master.readStream()
    expect(await textFrom(stream)).to.equal('typed\r\n')
    if (!stream.closed) await once(stream, 'close')
  })

  it('do so where it is closed after all was read, which the kernel tells as EIO', async () => {
    const holder = 'os.fork() or (os.closerange(0, 4), os.close(pair[0]), os.read(pair[1], 1), os._exit(0))'
    const master = await foreign(
      `(lambda pair: (os.write(pair[1], b"typed\\n"), ${holder}, os.dup(pair[0]))[-1])(os.openpty())`
    )
    const keyboard = keep(new OwnedFd(duplicate(master.fd), true))
    const stream = master.readStream()
    let text = ''
    for await (const chunk of stream) {
      text += chunk
      // The other side waits for a line, and then goes.
      if (text === 'typed\r\n') writeSync(keyboard.fd, '\n')
    }
    expect(text).to.equal('typed\r\n\r\n')
    if (!stream.closed) await once(stream, 'close')
  })

  for (const [name, make] of [
    ['toSocket', (fd: OwnedFd) => fd.toSocket()],
    ['readStream', (fd: OwnedFd) => fd.readStream()],
  ] as const) {
    it(`leave a pipe blocking for others that share it: ${name}`, async () => {
      const reading = await foreign('(lambda ends: (os.write(ends[1], b"piped"), ends[0])[1])(os.pipe())')
      // The child's standard error is the same open file description.
      const child = spawn('cat', { stdio: ['pipe', 'ignore', reading.fd] })
      const shared = () => flagsOf(`/proc/${child.pid}/fdinfo/2`) & O_NONBLOCK
      expect(shared()).to.equal(0)
      const stream = make(reading)
      const text = textFrom(stream)
      expect(shared()).to.equal(0)
      expect([await text, reading.fd]).to.deep.equal(['piped', -1])
      child.stdin?.end()
      await once(child, 'exit')
    })
  }

  it('take the options of Node: a socket that is paused and stays half-open', async () => {
    const [one, two] = socketpair('stream').map(keep) as [OwnedFd, OwnedFd]
    const options: SocketOptions = { allowHalfOpen: true, pauseOnConnect: true }
    const taken = one.toSocket(options)
    const other = two.toSocket()
    other.end('all')
    expect([taken.allowHalfOpen, taken.readableFlowing]).to.deep.equal([true, false])
    await once(taken.resume(), 'end')
    expect([taken.bytesRead, taken.writable]).to.deep.equal([3, true])
    for (const socket of [taken, other]) {
      socket.destroy()
      await once(socket, 'close')
    }
  })

  it('work where /proc is not mounted', function () {
    skipUnderAsan(this, 'its leak check reads /proc')
    const program = `
      const { socketpair } = await import('wormhole-ipc/socket')
      const { OwnedFd } = await import('wormhole-ipc')
      const { existsSync } = await import('node:fs')
      if (existsSync('/proc/self')) throw new Error('/proc is there')
      const [a, b] = socketpair('stream')
      a.toSocket().end('through')
      for await (const chunk of b.toSocket()) process.stdout.write(chunk)`
    const result = spawnSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        'mount -t tmpfs none /proc && exec "$0" --input-type=module -e "$1"',
        process.execPath,
        program,
      ],
      { encoding: 'utf8' }
    )
    if (result.status !== 0 && /unshare|mount|permission/i.test(result.stderr)) this.skip()
    expect([result.stdout, result.stderr]).to.deep.equal(['through', ''])
  })
})

describe('an OwnedFd of wormhole-ipc/socket alone', () => {
  it('makes the ends of a channel', () => {
    const program = `
      const { socketpair } = await import('wormhole-ipc/socket')
      const [a, b] = socketpair('seqpacket')
      const [sender, receiver] = [a.sender(), b.receiver()]
      await sender.send('alone')
      process.stdout.write(await receiver.recv())`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect([stdout, stderr]).to.deep.equal(['alone', ''])
  })
})
