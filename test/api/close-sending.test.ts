import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { throwsCode } from '../helpers/expect-error.js'

const COUNT = 20_000

function* numbers(): Generator<number> {
  for (let number = 0; number < COUNT; number++) yield number
}

async function* slowNumbers(): AsyncGenerator<number> {
  for (const number of numbers()) {
    if (number % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    yield number
  }
}

describe('a sender that is closed while a sendAll is under way', () => {
  leavesNoDescriptors()

  for (const [kind, source] of [
    ['an iterable', numbers],
    ['an asynchronous iterable', slowNumbers],
  ] as const) {
    it(`sends the whole of ${kind} first`, async () => {
      const [sender, receiver] = channel<number>()
      const sending = sender.sendAll(source())
      sender.close()
      throwsCode(() => sender.send(1), 'ERR_WORMHOLE_CLOSED')
      const flushed = sender.flush()
      expect(await collect(receiver)).to.deep.equal([...numbers()])
      expect(await sending).to.equal(COUNT)
      await flushed
      expect(sender.fd).to.equal(-1)
    })
  }

  it('is closed once that is aborted', async () => {
    const [sender, receiver] = channel<number>()
    const controller = new AbortController()
    const sending = sender.sendAll(slowNumbers(), { signal: controller.signal }).catch((error: Error) => error.name)
    sender.close()
    controller.abort()
    expect(await sending).to.equal('AbortError')
    await collect(receiver)
    expect(sender.fd).to.equal(-1)
  })

  it('cannot be detached before', async () => {
    const [sender, receiver] = channel<number>()
    const sending = sender.sendAll(slowNumbers())
    throwsCode(() => sender.detach(), 'ERR_WORMHOLE_PENDING')
    sender.close()
    expect(await collect(receiver)).to.have.lengthOf(COUNT)
    await sending
  })
})
