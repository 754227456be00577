import { closeSync, openSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import { recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'

const EMPTY = new Uint8Array(0)
const file = () => new OwnedFd(openSync('package.json', 'r'))

describe('descriptors without a byte', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const pair = (type: 'seqpacket' | 'stream' | 'dgram') => socketpair(type).map(keep) as [OwnedFd, OwnedFd]

  it('are refused over a byte stream before anything is sent, and all of them stay usable', async () => {
    const [ours, theirs] = pair('stream')
    const owned = [keep(file()), keep(file())]
    const number = openSync('package.json', 'r')
    const before = openDescriptors()
    await rejectsCode(sendmsg(ours, EMPTY, [...owned, number]), 'ERR_WORMHOLE_ARGUMENT')
    expect(openDescriptors()).to.equal(before)
    for (const fd of [...owned.map((each) => each.fd), number]) {
      expect(JSON.parse(readFileSync(fd, 'utf8'))).to.have.property('name', 'wormhole-ipc')
    }
    await sendmsg(ours, Buffer.from('x'), [...owned, number])
    const buffer = Buffer.alloc(9)
    const { bytes, fds } = await recvmsg(theirs, buffer)
    expect([bytes, fds.length]).to.deep.equal([1, 3])
    for (const fd of fds) keep(fd)
    closeSync(number)
  })

  for (const type of ['seqpacket', 'dgram'] as const) {
    it(`travel over ${type}: 0 bytes, descriptors, and no end, the last before the peer closes too`, async () => {
      const [ours, theirs] = pair(type)
      const owned = [keep(file()), keep(file())]
      for (const each of owned) expect(await sendmsg(ours, EMPTY, [each])).to.equal(0)
      expect(owned.map((each) => each.fd)).to.deep.equal([-1, -1])
      const first = await recvmsg(theirs, EMPTY)
      ours.close()
      const second = await recvmsg(theirs, Buffer.alloc(9))
      for (const { fds, ...rest } of [first, second]) {
        expect(rest).to.deep.equal({ bytes: 0, truncated: false, fdsTruncated: false, end: false })
        expect(fds).to.have.length(1)
        expect(keep(fds[0] as OwnedFd).kind).to.equal('file')
      }
    })
  }
})
