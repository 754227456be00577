import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { native } from '#lib/os/addon'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { fill, textOf } from '../helpers/fill.js'

const max = 2 * Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'))
const sizeOf = ({ fd }: { fd: number }) => socket.option(fd, socket.SO_SNDBUF)

describe('bufferBytes', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  it("is SO_SNDBUF of a new channel's sender, of its clones too, and the limit of a packet", async () => {
    for (const bufferBytes of [8192, 10_001, 65_536, 212_992, max]) {
      const [sender, receiver] = open<string>({ bufferBytes, coalesce: false })
      expect(sizeOf(sender)).to.be.within(bufferBytes, bufferBytes + 1)
      expect(sizeOf(keep(sender.clone()))).to.equal(sizeOf(sender))
      // Shorter ones and longer ones than a packet.
      const messages = [100, bufferBytes - 41, bufferBytes - 40, bufferBytes - 39, 2 * bufferBytes].map((size) =>
        textOf(size)
      )
      const sent = sender.sendAll(messages)
      for (const message of messages) expect((await receiver.recv()) === message).to.equal(true)
      expect(await sent).to.equal(messages.length)
    }
  })

  it('is the capacity: a larger one takes more before it is full', () => {
    const counts = [8192, 65_536, 400_000].map((bufferBytes) =>
      fill(open<string>({ bufferBytes })[0], () => textOf(1000))
    )
    expect(counts).to.deep.equal([...counts].sort((a, b) => a - b))
    expect(counts[2]).to.be.at.least(4 * (counts[1] as number))
    expect(counts[1]).to.be.at.least(4 * (counts[0] as number))
  })

  it('is at least what the kernel gives', () => {
    expect(sizeOf(open({ bufferBytes: 1 })[0])).to.be.within(1000, 8192)
    expect(sizeOf(open({ bufferBytes: undefined })[0])).to.equal(sizeOf(open()[0]))
  })

  it('is given past the limit for all to those who may, and refused to others, never made smaller', () => {
    const bufferBytes = 4 * max
    const [probe] = open()
    native.setsockopt(probe.fd, native.constants.SO_SNDBUFFORCE, bufferBytes / 2)
    if (sizeOf(probe) === bufferBytes) expect(sizeOf(open({ bufferBytes })[0])).to.equal(bufferBytes)
    else {
      const { message } = throwsCode(() => channel({ bufferBytes }), 'ERR_WORMHOLE_ARGUMENT')
      expect(message).to.match(new RegExp(`${max}.*wmem_max`))
    }
    const { setsockopt } = native
    native.setsockopt = (fd, option, value) => (option === socket.SO_SNDBUF ? setsockopt(fd, option, value) : -1)
    try {
      throwsCode(() => channel({ bufferBytes }), 'ERR_WORMHOLE_ARGUMENT')
    } finally {
      native.setsockopt = setsockopt
    }
  })

  it('is a whole number', () => {
    for (const bufferBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '1', null, true]) {
      throwsCode(() => channel({ bufferBytes: bufferBytes as number }), 'ERR_WORMHOLE_ARGUMENT')
    }
  })
})
