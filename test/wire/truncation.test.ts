import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { withFiles } from '../helpers/files.js'
import { startLimited } from '../helpers/limits.js'

/** More than Node opens at once as it loads modules. */
const LIMIT = 128
/** Too long for one packet. */
const LONG = 'x'.repeat(250_000)

const LOST = { code: 'ERR_WORMHOLE_FDS_TRUNCATED', received: 'with files' }
const NEXT = { message: 'next', texts: [] }

describe('a message whose descriptors this process may not open', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  interface Case {
    way?: string
    stream?: boolean
    files?: number
    room?: number
    before?: string[]
    message?: string
  }

  /** What a process gets that has room for only so many descriptors: of this message, and of the next. */
  async function receive({ way = 'recvWithFds', stream, files = 5, room = 0, before = [], message }: Case) {
    const [sender, receiver] = (stream === true ? openStream : open)<string>()
    await sender.send('begin')
    const times = before.length + 2
    const child = startLimited(LIMIT, 'truncation', [way, String(times), String(room)], [receiver.fd])
    receiver.close()
    await once(child.process.stdout as Readable, 'data')
    const sends = withFiles(files, (fds) =>
      Promise.all([
        ...before.map((text) => sender.send(text)),
        sender.sendWithFds(message ?? 'with files', fds),
        sender.send('next'),
      ])
    )
    const { stdout, stderr } = await child.ended
    expect(stderr).to.equal('')
    await sends
    const { outcomes, leaked } = JSON.parse(stdout.slice(stdout.indexOf('\n'))) as {
      outcomes: object[]
      leaked: number
    }
    expect(leaked, 'leaked descriptors').to.equal(0)
    return outcomes
  }

  for (const way of ['recv', 'recvWithFds', 'recvSync', 'recvWithFdsSync', 'iteration', 'batches']) {
    it(`fails by itself in ${way}, and the next one arrives`, async () => {
      expect(await receive({ way })).to.deep.equal([LOST, NEXT])
    })
  }

  it('fails when only some of its descriptors could be opened, and those are closed', async () => {
    expect(await receive({ room: 3 })).to.deep.equal([LOST, NEXT])
  })

  it('fails for a single descriptor too many', async () => {
    expect(await receive({ files: 1 })).to.deep.equal([LOST, NEXT])
    expect(await receive({ files: 3, room: 2 })).to.deep.equal([LOST, NEXT])
  })

  it('arrives with all of its descriptors when there is just room for them', async () => {
    const texts = ['file 0', 'file 1', 'file 2']
    expect(await receive({ files: 3, room: 3 })).to.deep.equal([{ message: 'with files', texts }, NEXT])
  })

  it('fails with 253 descriptors', async () => {
    expect(await receive({ files: 253, room: 10 })).to.deep.equal([LOST, NEXT])
  })

  it('fails alone on a byte stream, whatever was queued before it', async () => {
    const first = { message: 'first', texts: [] }
    const second = { message: 'second', texts: [] }
    const outcomes = await receive({ stream: true, before: ['first', 'second'] })
    expect(outcomes).to.deep.equal([first, second, LOST, NEXT])
  })

  it('fails alone on a byte stream when it comes in many pieces', async () => {
    const message = 'x'.repeat(1_000_000)
    const outcomes = await receive({ stream: true, room: 2, message })
    expect(outcomes).to.deep.equal([{ code: LOST.code, received: message }, NEXT])
  })

  it('fails when the rest of a long message is among what was dropped', async () => {
    const [lost, next] = await receive({ message: LONG })
    expect(lost).to.include({ code: LOST.code })
    expect(next).to.deep.equal(NEXT)
  })

  it('fails when only the rest of a long message, its last descriptor, was dropped', async () => {
    const [lost, next] = await receive({ files: 2, room: 2, message: LONG })
    expect(lost).to.include({ code: LOST.code })
    expect(next).to.deep.equal(NEXT)
    const [alone, after] = await receive({ files: 0, message: LONG })
    expect(alone).to.include({ code: LOST.code })
    expect(after).to.deep.equal(NEXT)
  })
})

describe('a process that may open no more descriptors', () => {
  it('gets ERR_WORMHOLE_SYSTEM from what needs one, leaks none, and can do all else', async () => {
    const { stdout, stderr } = await startLimited(LIMIT, 'no-room', []).ended
    expect(stderr).to.equal('')
    const refused = (syscall: string) => ({ code: 'ERR_WORMHOLE_SYSTEM', errno: -constants.errno.EMFILE, syscall })
    expect(JSON.parse(stdout)).to.deep.equal({
      outcomes: {
        channel: refused('socketpair'),
        clone: refused('fcntl'),
        'number that waits': refused('fcntl'),
        number: 'sent',
        'number, received': { code: LOST.code },
        long: refused('socketpair'),
        'long, tried': refused('socketpair'),
        'long, blocking': refused('socketpair'),
        'long between others in a full channel': ['fulfilled', 'rejected', 'fulfilled', 'before', 'behind'],
        waiting: 'awaited',
        'nothing more': 'undefined',
        'channel with room for one': refused('socketpair'),
        'channel again': refused('socketpair'),
        afterwards: 'afterwards',
        'long afterwards': true,
      },
      leakedWithNone: 0,
      leakedWithOne: 0,
    })
  })
})
