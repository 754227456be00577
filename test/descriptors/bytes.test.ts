import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import { native } from '#lib/os/addon'
import type { Channels } from '../fixtures/bytes-reader.js'
import { fixture, start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf } from '../helpers/files.js'
import { SEALS } from '../helpers/memfd.js'
import { openDescriptors } from '../helpers/proc.js'

/** Tries to change descriptor 3 in every way that a seal forbids; prints what the kernel says, and what the file then holds. */
const ATTACKER = `
import ctypes, errno, fcntl, json, mmap, os
fd, libc = 3, ctypes.CDLL(None, use_errno=True)
def fails(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'done'
def punch():
    if libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(4096)) != 0: raise OSError(ctypes.get_errno(), 'fallocate')
size = os.fstat(fd).st_size
tries = {
    'write': lambda: os.write(fd, b'x'),
    'pwrite': lambda: os.pwrite(fd, b'x', 0),
    'append': lambda: os.pwrite(fd, b'x', size),
    'shrink': lambda: os.ftruncate(fd, size - 1),
    'grow': lambda: os.ftruncate(fd, size + 1),
    'punch': punch,
    'mapShared': lambda: mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
    'addSeals': lambda: fcntl.fcntl(fd, 1033, 0),
    'reopened': lambda: os.write(os.open('/proc/self/fd/3', os.O_RDWR), b'x'),
}
offset = os.lseek(fd, 0, os.SEEK_CUR)
print(json.dumps({name: fails(attempt) for name, attempt in tries.items()}))
print(json.dumps({'seals': fcntl.fcntl(fd, 1034), 'offset': offset, 'text': os.pread(fd, size + 1, 0).decode()}))
`

describe('OwnedFd.fromBytes', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()
  const own = (bytes: Uint8Array): OwnedFd => keep(OwnedFd.fromBytes(bytes))

  it('holds a copy of any Uint8Array: of another realm, a part of a longer one, over shared memory, empty', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3))
    shared.set([7, 8, 9])
    const sources: [string, Uint8Array, number[]][] = [
      ['Uint8Array', new Uint8Array([1, 2, 3]), [1, 2, 3]],
      ['Buffer', Buffer.from('abc'), [97, 98, 99]],
      ['a part', new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 4), [1, 2, 3]],
      ['shared', shared, [7, 8, 9]],
      ['another realm', runInNewContext('new Uint8Array([4, 5, 6])') as Uint8Array, [4, 5, 6]],
      ['empty', new Uint8Array(0), []],
    ]
    for (const [what, bytes, expected] of sources) {
      const owned = own(bytes)
      bytes.fill(0)
      expect([...(await owned.bytes())], what).to.deep.equal(expected)
      expect([...owned.map()], what).to.deep.equal(expected)
      expect(owned.kind, what).to.equal('file')
    }
  })

  it('refuses all else, and leaves no descriptor', () => {
    const transferred = new Uint8Array(8)
    structuredClone(transferred.buffer, { transfer: [transferred.buffer] })
    const before = openDescriptors()
    const odd = [
      undefined,
      null,
      'text',
      3,
      [1, 2],
      new ArrayBuffer(8),
      new DataView(new ArrayBuffer(8)),
      {},
      transferred,
    ]
    for (const value of [...odd, new Uint16Array(4), new Uint8ClampedArray(4)]) {
      throwsCode(() => OwnedFd.fromBytes(value as Uint8Array), 'ERR_WORMHOLE_ARGUMENT')
    }
    expect(openDescriptors()).to.equal(before)
  })

  it('is a file in memory, close-on-exec, at its beginning, sealed with the four seals', () => {
    const owned = own(Buffer.from('text'))
    expect(flagsOf(owned.fd) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
    expect(native.getSeals(owned.fd)).to.equal(SEALS.SEAL | SEALS.SHRINK | SEALS.GROW | SEALS.WRITE)
    const buffer = Buffer.alloc(10)
    expect(buffer.toString('latin1', 0, readSync(owned.fd, buffer, 0, 10, null))).to.equal('text')
  })

  it('cannot be changed by the process that gets it: the kernel refuses', async () => {
    const { code, stdout, stderr } = await start('python3', ['-c', ATTACKER], [own(Buffer.from('sealed')).fd]).ended
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const [outcomes, after] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(new Set(Object.values(outcomes!)), stdout).to.deep.equal(new Set(['EPERM']))
    expect(Object.keys(outcomes!)).to.have.length(9)
    expect(after).to.deep.equal({ seals: 15, offset: 0, text: 'sealed' })
  })

  it('carries bytes to another process, which reads and maps them, and harms nobody by writing', async () => {
    const [files, theirFiles] = open<{ writes: boolean }>()
    const [theirDigests, digests] = open<string[]>()
    const child = fork<Channels>(fixture('bytes-reader'), { channels: { files: theirFiles, digests: theirDigests } })
    const exited = once(child, 'exit')
    const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    for (const length of [1, 4095, 4096, 4097, 65536, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024]) {
      const bytes = randomBytes(length)
      const owned = own(bytes)
      const mapped = owned.map()
      for (const writes of [true, false]) {
        await files.sendWithFds({ writes }, [{ fd: owned.fd }])
        const expected = digestOf(writes ? Buffer.alloc(length) : bytes)
        expect(await digests.recv(), `${length} bytes`).to.deep.equal([expected, expected])
      }
      expect(digestOf(mapped)).to.equal(digestOf(bytes))
    }
    files.close()
    expect(await exited).to.deep.equal([0, null])
  })

  it('is moved like any OwnedFd', async () => {
    const [sender, receiver] = open<string>()
    const owned = OwnedFd.fromBytes(Buffer.from('moved'))
    await sender.sendWithFds('with bytes', [owned])
    expect(owned.fd).to.equal(-1)
    const [, [there]] = await receiver.recvWithFds()
    expect((await keep(there!).bytes()).toString()).to.equal('moved')
  })

  it('makes an error of a limit of the system, and leaves no descriptor', async () => {
    const program = `
      import { readdirSync } from 'node:fs'
      import { OwnedFd } from 'wormhole-ipc'
      const before = readdirSync('/proc/self/fd').length
      try {
        OwnedFd.fromBytes(Buffer.alloc(100_000))
      } catch ({ code, syscall, message }) {
        console.log(JSON.stringify([code, syscall, /EFBIG/.test(message), readdirSync('/proc/self/fd').length - before]))
      }`
    const node = [process.execPath, '--input-type=module', '-e', program]
    const { stdout, stderr } = await start('prlimit', ['--fsize=65536', ...node]).ended
    expect([stdout, stderr]).to.deep.equal(['["ERR_WORMHOLE_SYSTEM","pwrite",true,0]\n', ''])
  })
})
