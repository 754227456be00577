import { expect } from 'chai'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, textOf, turn, turns } from '../helpers/fill.js'
import { watch } from '../helpers/watch.js'

describe('flush', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()
  const many = range(1000).map((index) => textOf(1000) + index)

  it('resolves at once when nothing is pending', async () => {
    const [sender] = open<string>()
    await sender.flush()
    sender.close()
    await sender.flush()
  })

  it('resolves when the kernel has all sends made before, and only then', async () => {
    for (const messages of [many, [textOf(5_000_000), 'behind']]) {
      const [sender, receiver] = open<unknown>()
      for (const message of messages) void sender.send(message)
      const flushed = sender.flush()
      const state = watch(flushed)
      await turns()
      expect(state.settled).to.equal(false)
      expect(sender.stats().queued).to.be.greaterThan(0)
      for (const message of messages) expect((await receiver.recv()) === message).to.equal(true)
      await flushed
      expect(sender.stats()).to.include({ queued: 0, messages: messages.length })
    }
  })

  it('resolves also after close(), which lets what is pending go first', async () => {
    const [sender, receiver] = open<string>()
    for (const message of many) void sender.send(message)
    sender.close()
    const flushed = sender.flush()
    expect(await collect(receiver)).to.deep.equal(many)
    await flushed
    expect(sender.fd).to.equal(-1)
  })

  it('rejects with the error of a send that fails', async () => {
    const [sender, receiver] = open<string>()
    for (const message of many) void sender.send(message)
    const flushed = sender.flush()
    await turn()
    receiver.close()
    await rejectsCode(flushed, 'ERR_WORMHOLE_DISCONNECTED')
    await sender.flush()
  })
})
