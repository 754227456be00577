import { expect } from 'chai'
import { natsReceiver, natsSender } from 'wormhole-ipc/nats'
import { freshName, type TestConnection, usesServer } from '../helpers/nats.js'

describe('a remote channel', () => {
  const server = usesServer()
  let nc: TestConnection
  before(async () => {
    nc = await server.current.connect()
  })

  it('carries messages in order', async () => {
    const name = freshName()
    const sender = await natsSender<number>(nc, name)
    const receiver = await natsReceiver<number>(nc, name)
    await sender.send(1)
    await sender.send(2)
    expect(await receiver.recv()).to.equal(1)
    expect(await receiver.recv()).to.equal(2)
    const waiting = receiver.recv()
    await sender.send(3)
    expect(await waiting).to.equal(3)
    expect(await sender.sendAll(Array.from({ length: 1000 }, (_, n) => n))).to.equal(1000)
    const got: number[] = []
    for await (const n of receiver) {
      got.push(n)
      if (n === 999) break
    }
    expect(got.length).to.equal(1000)
    console.log(sender.stats(), receiver.stats())
    await receiver.close()
    await sender.close()
  })
})
