import { constants as bufferConstants } from 'node:buffer'
import { ftruncateSync, openSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import type { Figures } from '../fixtures/maps-collected.js'
import { startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { openPipe, openText } from '../helpers/files.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { mapped as mappedNow, memfd, SEALS } from '../helpers/memfd.js'
import { rawPair } from '../helpers/raw.js'

const MIB = 1024 * 1024
const TERABYTE = 2 ** 40
const { SHRINK, GROW, WRITE, FUTURE_WRITE, SEAL } = SEALS
const O_PATH = 0o10000000

describe('OwnedFd.map', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  it('gives the pages of the file, of which only those that are written become private', () => {
    const owned = keep(OwnedFd.fromBytes(Buffer.alloc(8 * MIB, 'x')))
    const [first, second] = [owned.map(), owned.map()]
    expect(first.equals(second)).to.equal(true)
    expect(mappedNow(owned)).to.deep.equal({ mappings: 2, bytes: 16 * MIB, own: 0 })
    first.fill('y', 0, 4096)
    first.fill('y', 6 * MIB, 6 * MIB + 1)
    expect(mappedNow(owned).own).to.equal(2 * 4096)
    expect([first[0], second[0], owned.map()[6 * MIB]]).to.deep.equal([...Buffer.from('yxx')])
  })

  it('is what bytes() gives of a long file that is sealed, and of no other', async () => {
    const bytes = Buffer.alloc(MIB, 'x')
    const sealed = keep(OwnedFd.fromBytes(bytes))
    for (const [owned, mappings] of [
      [sealed, 1],
      [keep(memfd('x'.repeat(MIB))), 0],
      [keep(OwnedFd.fromBytes(bytes.subarray(0, 256 * 1024))), 0],
    ] as const) {
      const read = await owned.bytes()
      expect(mappedNow(owned).mappings).to.equal(mappings)
      expect(read.equals(bytes.subarray(0, read.length))).to.equal(true)
      read.fill('y')
      expect((await owned.bytes())[1000]).to.equal(bytes[1000])
    }
    await rejectsCode(sealed.bytes({ maxBytes: MIB - 1 }), 'ERR_WORMHOLE_TOO_LARGE')
  })

  it('outlives its descriptor', () => {
    const owned = OwnedFd.fromBytes(Buffer.from('still there'))
    const mapped = owned.map()
    owned.close()
    expect(mapped.toString()).to.equal('still there')
    throwsCode(() => owned.map(), 'ERR_WORMHOLE_CLOSED')
  })

  it('gives an empty Buffer of an empty file', () => {
    expect(keep(memfd('', SHRINK | WRITE)).map()).to.deep.equal(Buffer.alloc(0))
  })

  it('takes what another program sealed, read-only descriptors too', () => {
    const whole = keep(memfd('sealed', SHRINK | WRITE | GROW | SEAL | FUTURE_WRITE))
    const reading = own(openSync(`/proc/self/fd/${whole.fd}`, 'r'))
    for (const owned of [whole, reading, keep(memfd('sealed', SHRINK | WRITE))]) {
      const mapped = owned.map()
      expect(mapped.toString()).to.equal('sealed')
      mapped[0] = 0
      expect(owned.map().toString()).to.equal('sealed')
    }
  })

  it('keeps its length if the file, not sealed against that, grows', () => {
    const owned = keep(memfd('x'.repeat(4096), SHRINK | WRITE))
    const mapped = owned.map()
    ftruncateSync(owned.fd, 3 * 4096)
    expect([mapped.length, owned.map().length]).to.deep.equal([4096, 3 * 4096])
    expect(mapped.toString()).to.equal('x'.repeat(4096))
  })

  it('refuses what others could still shrink or write, and says what to do', () => {
    const half = [
      0,
      SHRINK,
      WRITE,
      GROW | SEAL,
      SHRINK | GROW,
      WRITE | GROW,
      FUTURE_WRITE,
      SHRINK | GROW | FUTURE_WRITE,
    ]
    for (const owned of [...half.map((seals) => keep(memfd('text', seals))), own(openText('text'))]) {
      const { message } = throwsCode(() => owned.map(), 'ERR_WORMHOLE_BAD_FD')
      expect(message).to.match(/descriptor \d+ .* not sealed.*bytes\(\).*fromBytes\(\).*F_SEAL_SHRINK and F_SEAL_WRITE/)
      expect(owned.fd).to.be.greaterThan(-1)
    }
    // A mapping that is older than this seal may go on writing.
    expect(readFileSync('/proc/self/maps', 'latin1')).not.to.match(/rw-s .*memfd:wormhole-ipc/)
  })

  it('refuses what is not a file, or not open for reading', () => {
    for (const owned of [
      ...openPipe(),
      ...rawPair(socket.SOCK_STREAM),
      openSync('/', 'r'),
      openSync('/dev/zero', 'r'),
    ].map(own)) {
      const { message } = throwsCode(() => owned.map(), 'ERR_WORMHOLE_BAD_FD')
      expect(message).to.include(`is a ${owned.kind}, not a file`)
    }
    const sealed = keep(memfd('text', SHRINK | WRITE))
    const named = own(openSync(`/proc/self/fd/${sealed.fd}`, O_PATH))
    expect(throwsCode(() => named.map(), 'ERR_WORMHOLE_BAD_FD').message).to.include('not open for reading')
  })

  it('refuses a sparse file that is longer than any Buffer or the memory', function () {
    const always = readFileSync('/proc/sys/vm/overcommit_memory', 'latin1').trim() === '1'
    if (always && bufferConstants.MAX_LENGTH > TERABYTE) this.skip()
    const owned = keep(memfd(TERABYTE, SHRINK | WRITE))
    throwsCode(() => owned.map(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(mappedNow(owned).mappings).to.equal(0)
  })

  it('is unmapped, and counted no more, once it is collected', async () => {
    const { before, meanwhile, kept, after, sum, rest } = await measured<
      Record<'before' | 'meanwhile' | 'kept' | 'after', Figures> & { sum: number; rest: number }
    >(startMeasuring('maps-collected'))
    expect([before.mappings, meanwhile.mappings, kept.mappings, after.mappings]).to.deep.equal([0, 100, 3, 0])
    expect([sum, rest]).to.deep.equal([700, 21])
    expect(meanwhile.external - before.external).to.be.within(99 * MIB, 102 * MIB)
    expect(kept.external - before.external).to.be.within(2 * MIB, 5 * MIB)
    expect(after.external - before.external).to.be.lessThan(MIB)
    expect(after.descriptors).to.equal(before.descriptors)
  })

  for (const [ending, told] of [
    ['terminate', [20, 0]],
    ['return', [20, 0]],
    ['exit', [20]],
    ['end', [20]],
  ] as const) {
    it(`is unmapped at the end of its thread: ${ending}`, async () => {
      const { code, signal, stdout, stderr } = await startNode('maps-held', [ending]).ended
      expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
      expect(stdout).to.equal(told.map((count) => `${count}\n`).join(''))
    })
  }
})
