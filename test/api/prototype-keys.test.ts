import { expect } from 'chai'
import { select } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { headerOf, rawSend } from '../helpers/raw.js'

const TEXT = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}'

describe('a key named __proto__', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** It is a property like any other, and no object beside the message has changed. */
  function check(message: unknown): void {
    expect(JSON.stringify(message)).to.equal(TEXT)
    expect(Object.getPrototypeOf(message)).to.equal(Object.prototype)
    expect(message).to.not.have.property('polluted')
    expect({}).to.not.have.property('polluted')
  }

  it('is a key of a message, one in a packet, several in a packet, or beside broken ones', async () => {
    const [sender, receiver] = open()
    const payload = Buffer.from(TEXT)
    const frame = Buffer.concat([headerOf(payload.length), payload])
    const broken = Buffer.concat([headerOf(1), Buffer.from('{')])
    for (const packet of [[frame], [frame, frame], [frame, broken, frame]]) {
      rawSend(sender.fd, Buffer.concat(packet))
      for (const part of packet) {
        const received = receiver.recv()
        if (part === frame) check(await received)
        else expect(await received.catch((error: unknown) => error)).to.have.property('code', 'ERR_WORMHOLE_MALFORMED')
      }
    }
  })

  it('is a name for a channel in select', async () => {
    const [sender, receiver] = open<number>()
    const receivers = Object.fromEntries([['__proto__', receiver]])
    await sender.send(1)
    expect(await select(receivers)).to.deep.equal(['__proto__', 1])
  })
})
