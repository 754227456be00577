import { expect } from 'chai'
import type { Receiver, Sender } from 'wormhole-ipc'
import { type Child, start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { fill, range, turn } from '../helpers/fill.js'
import { startPeer } from '../helpers/peer.js'
import { usesChildren } from '../helpers/uses-children.js'

const LARGE = 'x'.repeat(32 * 2 ** 20)

async function kill(child: Child): Promise<void> {
  child.process.kill('SIGKILL')
  expect(await child.ended).to.deep.equal({ code: null, signal: 'SIGKILL', stdout: '', stderr: '' })
}

describe('a sender that is killed', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  interface Doomed {
    child: Child
    sender: Sender<unknown>
    receiver: Receiver
  }

  /** Starts the fixture and waits until it has come as far as its argument says. */
  async function startDoomed(sends: string, ends: [Sender<unknown>, Receiver] = open<unknown>()): Promise<Doomed> {
    const [sender, receiver] = ends
    const [noticeSender, notices] = open<string>()
    const [silenceSender, silence] = open<never>()
    const child = startNode('doomed-sender', [sends], [sender.fd, noticeSender.fd, silence.fd])
    noticeSender.close()
    await notices.recv()
    silenceSender.unref()
    return { child, sender, receiver }
  }

  it('half-way through a large message spoils only that message', async () => {
    const { child, sender, receiver } = await startDoomed('half of a large message')
    await sender.send('from another sender')
    await kill(child)
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
    expect(await receiver.recv()).to.equal('from another sender')
    await sender.send('still open')
    expect(await receiver.recv()).to.equal('still open')
    sender.close()
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('half-way through a large message that is being received spoils only the one recv', async () => {
    const [sender, receiver] = open<unknown>()
    const child = startPeer('dies', [], [sender.fd])
    const broken = receiver.recv()
    const next = receiver.recv()
    await rejectsCode(broken, 'ERR_WORMHOLE_TRUNCATED')
    expect((await child.ended).signal).to.equal('SIGKILL')
    await sender.send('from another sender')
    expect(await next).to.equal('from another sender')
  })

  it('half-way through a large message rejects one step of an iteration, and iterating anew goes on', async () => {
    const { child, sender, receiver } = await startDoomed('half of a large message')
    await sender.send('from another sender')
    await kill(child)
    await rejectsCode(receiver[Symbol.asyncIterator]().next(), 'ERR_WORMHOLE_TRUNCATED')
    expect(await receiver[Symbol.asyncIterator]().next()).to.deep.equal({ done: false, value: 'from another sender' })
  })

  it('half-way through a large message is the same for receives that block', async () => {
    const { child, sender, receiver } = await startDoomed('half of a large message')
    await sender.send('from another sender')
    await kill(child)
    expect(() => receiver.recvSync())
      .to.throw()
      .with.property('code', 'ERR_WORMHOLE_TRUNCATED')
    expect(receiver.recvSync()).to.equal('from another sender')
  })

  it('half-way through a message on a byte stream spoils that message, and the channel is at its end', async () => {
    const { child, sender, receiver } = await startDoomed('half of a large message', openStream<unknown>())
    sender.close()
    await kill(child)
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('leaves every message whose send had resolved', async () => {
    const { child, sender, receiver } = await startDoomed('all')
    sender.close()
    await kill(child)
    for (const number of range(100)) expect(await receiver.recv()).to.equal(number)
    expect(await receiver.recv()).to.have.lengthOf(230_000)
    const [message, fds] = await receiver.recvWithFds()
    expect(message).to.equal('with a descriptor')
    expect(fds.map((fd) => fd.kind)).to.deep.equal(['file'])
    for (const fd of fds) fd.close()
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('leaves what a full channel had taken, in order, and then the end', async () => {
    const { child, sender, receiver } = await startDoomed('more than fits')
    sender.close()
    await kill(child)
    const numbers: number[] = []
    for await (const message of receiver) numbers.push((message as { number: number }).number)
    expect(numbers).to.have.lengthOf.within(1, 4999)
    expect(numbers).to.deep.equal(range(numbers.length))
  })
})

describe('a receiver that is killed', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Starts the fixture on this receiving end and blocks this thread until it has come as far as `point`. */
  function startDoomed(receiver: Receiver<unknown>, point: string): Child {
    const [noticeSender, notices] = open<string>()
    const child = startNode('doomed-receiver', [point], [receiver.fd, noticeSender.fd])
    noticeSender.close()
    notices.recvSync()
    return child
  }

  it('ends the channel for its sender', async () => {
    const [sender, receiver] = open<string>()
    const child = startDoomed(receiver, 'before it has received anything')
    receiver.close()
    await kill(child)
    await rejectsCode(sender.send('nobody is there'), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.send('nobody is there'), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('rejects every send that waits in the full channel', async () => {
    const [sender, receiver] = open<string>()
    fill(sender, () => 'fills the channel')
    const child = start('sleep', ['1000'], [receiver.fd])
    const pending = [sender.send('one'), sender.send('two'), sender.send('x'.repeat(300_000))]
    receiver.close()
    await kill(child)
    for (const send of pending) await rejectsCode(send, 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('half-way through a large message, as the only one, ends the channel', async () => {
    const [sender, receiver] = open<string>()
    const large = sender.send(LARGE)
    const behind = sender.send('behind it')
    await turn()
    const child = startDoomed(receiver, 'half-way through a large message')
    receiver.close()
    await kill(child)
    const broken = await large.catch((error: unknown) => error)
    // A dead process's descriptors close one by one: the channel may outlast the message by a moment.
    expect(broken).to.have.property('code').that.is.oneOf(['ERR_WORMHOLE_DISCONNECTED', 'ERR_WORMHOLE_TRUNCATED'])
    await behind
    await rejectsCode(sender.send('nobody is there'), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('half-way through a large message spoils only that send when others share its end', async () => {
    const [sender, receiver] = open<string>()
    const large = sender.send(LARGE)
    const behind = sender.send('behind it')
    await turn()
    const child = startDoomed(receiver, 'half-way through a large message')
    child.process.kill('SIGKILL')
    await rejectsCode(large, 'ERR_WORMHOLE_TRUNCATED')
    await behind
    expect(await receiver.recv()).to.equal('behind it')
    await sender.send('the channel goes on')
    expect(await receiver.recv()).to.equal('the channel goes on')
    const again = sender.send(LARGE)
    expect((await receiver.recv()) === LARGE).to.equal(true)
    await again
    await child.ended
  })
})
