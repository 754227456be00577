import { constants } from 'node:os'
import { expect } from 'chai'
import type { NoRoomForChildren } from '../fixtures/no-room-for-children.js'
import type { NoRoomToWait } from '../fixtures/no-room-to-wait.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { fill } from '../helpers/fill.js'
import { startLimited } from '../helpers/limits.js'
import { measured } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

/** Open files that a program here may have. Node takes about 20 of them for itself. */
const LIMIT = 128

const emfile = (syscall: string) => ({ code: 'ERR_WORMHOLE_SYSTEM', errno: -constants.errno.EMFILE, syscall })

describe('a process that may open no more descriptors and starts children', () => {
  usesChildren()
  leavesNoDescriptors()

  let found: NoRoomForChildren

  before(async () => {
    found = await measured<NoRoomForChildren>(startLimited(LIMIT, 'no-room-for-children', []))
  })

  it('gets EMFILE from forkAndRun until there is room enough, and its result from then on', () => {
    const enough = found.runs.findIndex(({ ending }) => 'gave' in ending)
    expect(enough).to.be.above(4)
    for (const [room, { ending }] of found.runs.entries()) {
      if (room >= enough) expect(ending, `room for ${room}`).to.deep.equal({ gave: 3 })
      else expect(ending, `room for ${room}`).to.include({ code: 'ERR_WORMHOLE_SYSTEM', errno: emfile('').errno })
    }
  })

  it('has none of the channels left that forkAndRun made before it failed', () => {
    // One end of the pipe for a child's standard error: Node's own spawn does not close it when it fails like this.
    for (const [room, { leaked }] of found.runs.entries()) expect(leaked, `room for ${room}`).to.be.at.most(1)
  })

  it("gets Node's EMFILE from spawn and fork, which close the ends that were to move", () => {
    expect(found.attempts).to.have.length(2)
    for (const { ending, closed, end } of found.attempts) {
      expect(ending).to.include({ code: 'EMFILE' })
      expect([closed, end]).to.deep.equal([true, { gave: 'the end' }])
    }
  })
})

describe('a process that may not open even the descriptor that waiting needs', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('is told so by what must wait, can do all else, and waits once there is room', async () => {
    const [sender, receiver] = open<string>()
    const [full] = open<string>()
    fill(full, () => 'filling')
    const child = startLimited(LIMIT, 'no-room-to-wait', [], [sender.fd, full.fd, receiver.fd])
    sender.close()
    receiver.close()
    const refused = emfile('epoll_create1')
    expect(await measured<NoRoomToWait>(child)).to.deep.equal({
      without: {
        recv: refused,
        recvWithFds: refused,
        iteration: refused,
        select: refused,
        merge: refused,
        'send into a full channel': refused,
        'sendAll into a full channel': refused,
        recvmsg: emfile('fcntl'),
        'unref and ref': { gave: true },
        'sendSync into a full channel': refused,
        'trySend into a full channel': refused,
        'recvSync of nothing': { code: 'ERR_WORMHOLE_TIMEOUT' },
        'tryRecv of nothing': { gave: true },
        send: { gave: 'sent' },
        'recv of what is there': { gave: 'sent without' },
        stats: { gave: [0, 1] },
      },
      afterwards: {
        recv: { gave: 'awaited' },
        select: { gave: ['receiver', 'selected'] },
        'aborted send': { gave: 'TimeoutError' },
      },
      leaked: 0,
    })
  })
})
