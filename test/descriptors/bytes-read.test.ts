import { constants as bufferConstants } from 'node:buffer'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { openPipe, openText } from '../helpers/files.js'
import { foreign } from '../helpers/foreign.js'
import { memfd } from '../helpers/memfd.js'
import { rawPair } from '../helpers/raw.js'

const MIB = 1024 * 1024
const TERABYTE = 2 ** 40

describe('OwnedFd.bytes', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  it('reads a file from its beginning, and leaves its offset alone', async () => {
    const fd = openText('a file of 24 bytes, read')
    const owned = own(fd)
    readSync(fd, Buffer.alloc(7), 0, 7, 0)
    const before = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
    expect((await owned.bytes()).toString()).to.equal('a file of 24 bytes, read')
    expect(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')).to.equal(before)
    expect(owned.fd).to.equal(fd)
  })

  it('reads files that do not tell their length, to the end', async () => {
    expect((await own(openSync('/proc/self/status', 'r')).bytes()).toString()).to.match(/^Name:.*\nPid:\s/s)
    expect((await own(openSync('/proc/kallsyms', 'r')).bytes()).length).to.be.greaterThan(MIB)
    expect((await own(openSync('/sys/kernel/mm/transparent_hugepage/enabled', 'r')).bytes()).toString()).to.match(/\n$/)
    expect((await own(openText('')).bytes()).length).to.equal(0)
  })

  it('gives a Buffer with no other memory behind it', async () => {
    const files = [openText('x'.repeat(1000)), openText(''), openSync('/proc/self/status', 'r')].map(own)
    for (const owned of [...files, keep(memfd('short')), keep(memfd(MIB))]) {
      const bytes = await owned.bytes()
      expect(Buffer.isBuffer(bytes)).to.equal(true)
      expect([bytes.byteOffset, bytes.buffer.byteLength]).to.deep.equal([0, bytes.length])
    }
  })

  it('refuses a sparse file of a terabyte before it takes memory', async () => {
    const file = openText('')
    ftruncateSync(file, TERABYTE)
    const before = process.memoryUsage().arrayBuffers
    for (const owned of [own(file), keep(memfd(TERABYTE))]) {
      const error = await rejectsCode(owned.bytes(), 'ERR_WORMHOLE_TOO_LARGE')
      expect(error.message)
        .to.include(String(TERABYTE))
        .and.include(String(1024 * MIB))
        .and.include(`descriptor ${owned.fd} `)
      // Node 20's longest Buffer has 4 GiB; later ones may have as much as the system gives.
      if (bufferConstants.MAX_LENGTH < TERABYTE)
        await rejectsCode(owned.bytes({ maxBytes: Number.POSITIVE_INFINITY }), 'ERR_WORMHOLE_TOO_LARGE')
    }
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(MIB)
  })

  it('reads as much as maxBytes, and not one byte more', async () => {
    const status = () => own(openSync('/proc/version', 'r'))
    const { length } = await status().bytes()
    const cases: [string, () => OwnedFd, number][] = [
      ['a file', () => own(openText('12345')), 5],
      ['a file in memory', () => keep(memfd('12345')), 5],
      ['a long file in memory', () => keep(memfd(MIB)), MIB],
      ['a file without a length', status, length],
    ]
    for (const [what, make, bytes] of cases) {
      expect((await make().bytes({ maxBytes: bytes })).length, what).to.equal(bytes)
      await rejectsCode(make().bytes({ maxBytes: bytes - 1 }), 'ERR_WORMHOLE_TOO_LARGE')
      await rejectsCode(make().bytes({ maxBytes: 0 }), 'ERR_WORMHOLE_TOO_LARGE')
    }
    expect((await keep(memfd('')).bytes({ maxBytes: 0 })).length).to.equal(0)
  })

  it('refuses wrong options', async () => {
    const owned = keep(memfd('text'))
    for (const options of [
      5,
      'x',
      null,
      { maxBytes: -1 },
      { maxBytes: 1.5 },
      { maxBytes: '1' },
      { maxBytes: Number.NaN },
    ]) {
      await rejectsCode(owned.bytes(options as object), 'ERR_WORMHOLE_ARGUMENT')
    }
    expect((await owned.bytes({})).toString()).to.equal('text')
  })

  it('refuses what is not a file, and says what to use', async () => {
    const streams = [...openPipe(), ...rawPair(socket.SOCK_STREAM), openSync('/dev/null', 'r')].map(own)
    for (const owned of streams) {
      const { message } = await rejectsCode(owned.bytes(), 'ERR_WORMHOLE_BAD_FD')
      expect(message).to.include(`descriptor ${owned.fd} is a ${owned.kind}`).and.include('readStream()')
    }
    for (const owned of [own(openSync('/', 'r')), keep(await foreign('os.eventfd(1)'))]) {
      await rejectsCode(owned.bytes(), 'ERR_WORMHOLE_BAD_FD')
    }
  })

  it('refuses what is not open for reading', async () => {
    const file = openText('text')
    const memory = keep(memfd('text'))
    const large = keep(memfd(MIB))
    const O_PATH = 0o10000000
    const reopened = [file, memory.fd, large.fd].flatMap((fd) =>
      [constants.O_WRONLY, O_PATH].map((flags) => own(openSync(`/proc/self/fd/${fd}`, flags)))
    )
    closeSync(file)
    for (const owned of reopened) {
      const { message } = await rejectsCode(owned.bytes(), 'ERR_WORMHOLE_BAD_FD')
      expect(message).to.include(`descriptor ${owned.fd} is not open for reading`)
    }
  })

  it('goes on when the descriptor is closed or its number becomes another file', async () => {
    const owned = own(openText('x'.repeat(5 * MIB)))
    const { fd } = owned
    const reading = owned.bytes()
    owned.close()
    const other = own(openText('another file'))
    expect(other.fd).to.equal(fd)
    const bytes = await reading
    expect([bytes.length, bytes.toString('latin1', 0, 3)]).to.deep.equal([5 * MIB, 'xxx'])
    await rejectsCode(owned.bytes(), 'ERR_WORMHOLE_CLOSED')
  })

  it('reads what is there of a file that shrinks or grows meanwhile', async () => {
    const shrinking = own(openText('x'.repeat(5 * MIB)))
    const shrunk = shrinking.bytes()
    ftruncateSync(shrinking.fd, 10)
    expect((await shrunk).length).to.be.oneOf([10, 5 * MIB])
    const growing = openText('x'.repeat(100))
    const owned = own(growing)
    const grown = owned.bytes({ maxBytes: 300 })
    writeSync(growing, 'y'.repeat(200), 100)
    expect((await grown).toString()).to.be.oneOf(['x'.repeat(100), `${'x'.repeat(100)}${'y'.repeat(200)}`])
    const outgrown = owned.bytes({ maxBytes: 300 })
    writeSync(growing, 'z', 300)
    const outcome = await outgrown.then(
      ({ length }) => length,
      ({ code }) => code
    )
    expect(outcome).to.be.oneOf([300, 'ERR_WORMHOLE_TOO_LARGE'])
  })

  it('reads files, and long ones in memory, in another thread', async () => {
    for (const owned of [own(openText('short')), keep(memfd(5 * MIB))]) {
      const reading = owned.bytes()
      await Promise.resolve()
      expect(process.getActiveResourcesInfo()).to.include('FSReqCallback')
      await reading
    }
  })
})
