import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { leavesNoDescriptors } from './helpers/descriptors.js'

describe('channel', () => {
  leavesNoDescriptors()

  it('carries a message from its sender to its receiver', async () => {
    const [sender, receiver] = channel<{ a: number; b: string; c: number[] }>()
    await sender.send({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })
    expect(await receiver.recv()).to.deep.equal({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })
    sender.close()
    receiver.close()
  })
})
