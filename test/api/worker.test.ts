import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import type { Receiver, Sender } from 'wormhole-ipc'
import { memoryBytes } from '#lib/os/memory'
import type { Task } from '../fixtures/worker-end.js'
import { startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { usesChildren } from '../helpers/uses-children.js'
import { startWorker, told } from '../helpers/worker.js'

const TIMES = sized(1, 20)

describe('a channel to a worker thread', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Starts a worker that receives numbers from here and sends its answers back. */
  function startAnswering(does: Task['does']): { worker: Worker; sender: Sender<number>; receiver: Receiver<number> } {
    const [sender, receiving] = open<number>()
    const [sending, receiver] = open<number>()
    return { worker: startWorker({ does, receiving: receiving.detach(), sending: sending.detach() }), sender, receiver }
  }

  it('carries messages in both directions', async () => {
    const { worker, sender, receiver } = startAnswering('doubles')
    const ended = once(worker, 'exit')
    for (const number of range(500)) void sender.send(number)
    sender.close()
    expect(await collect(receiver)).to.deep.equal(range(500).map((number) => 2 * number))
    expect(await ended).to.deep.equal([0])
  })

  it('carries messages in both directions for a worker that blocks', async () => {
    const { worker, sender, receiver } = startAnswering('doublesSync')
    const ended = once(worker, 'exit')
    for (const number of range(500)) void sender.send(number)
    void sender.send(-1)
    expect(await collect(receiver)).to.deep.equal(range(500).map((number) => 2 * number))
    expect(await ended).to.deep.equal([0])
  })

  it('serves a thread that blocks while the other thread blocks', () => {
    const { worker, sender, receiver } = startAnswering('doublesSync')
    for (const number of range(100)) {
      sender.sendSync(number)
      expect(receiver.recvSync()).to.equal(2 * number)
    }
    sender.sendSync(-1)
    return once(worker, 'exit')
  })

  it('joins two workers', async () => {
    const [first, second] = [open<number>(), open<number>()]
    const counting = startWorker({ does: 'counts', sending: first[0].detach() })
    const doubling = startWorker({ does: 'doubles', receiving: first[1].detach(), sending: second[0].detach() })
    const ended = Promise.all([once(counting, 'exit'), once(doubling, 'exit')])
    expect(await collect(second[1])).to.deep.equal(range(1000).map((number) => 2 * number))
    expect(await ended).to.deep.equal([[0], [0]])
  })

  it('shares work between two workers, and each message goes to one of them', async () => {
    const [sender, receiving] = open<number>({ coalesce: false })
    const [sending, receiver] = open<number>()
    const others = { receiving: receiving.clone().detach(), sending: sending.clone().detach() }
    const workers = [{ receiving: receiving.detach(), sending: sending.detach() }, others].map((ends) =>
      startWorker({ does: 'doubles', ...ends })
    )
    const ended = Promise.all(workers.map((worker) => once(worker, 'exit')))
    for (const number of range(500)) void sender.send(number)
    sender.close()
    const answers = await collect(receiver)
    expect(answers.sort((a, b) => a - b)).to.deep.equal(range(500).map((number) => 2 * number))
    expect(await ended).to.deep.equal([[0], [0]])
  })

  for (const [does, code] of [
    ['counts', 0],
    ['countsAndExits', 0],
    ['countsAndThrows', 1],
  ] as const) {
    it(`delivers what is pending when the worker ends: ${does}`, async () => {
      const [sender, receiver] = open<number>()
      const worker = startWorker({ does, sending: sender.detach() })
      const ended = new Promise((resolve) => worker.once('exit', resolve))
      worker.once('error', () => undefined)
      expect(await collect(receiver)).to.deep.equal(range(1000))
      expect(await ended).to.equal(code)
    })
  }

  it('lets a worker exit although nobody reads what is pending', async () => {
    const [sender, receiver] = open<string>()
    const worker = startWorker({ does: 'fillsAndExits', sending: sender.detach() })
    expect(await once(worker, 'exit')).to.deep.equal([0])
    expect(new Set(await collect(receiver))).to.deep.equal(new Set(['filler']))
  })

  it('costs a large message memory in the thread that receives it only', async () => {
    const [sender, receiver] = open<string>()
    const before = memoryBytes()
    const worker = startWorker({ does: 'measures', receiving: receiver.detach() })
    const answer = told(worker)
    await sender.send('x'.repeat(20 * 2 ** 20))
    expect(await answer)
      .to.be.an('object')
      .that.satisfies(
        ({ length, grown }: { length: number; grown: number }) => length === 20 * 2 ** 20 && grown > length
      )
    expect(memoryBytes()).to.equal(before)
    await worker.terminate()
  })

  it('cannot be taken by one thread while another owns its descriptor', async () => {
    const [sender, receiver] = open<string>()
    const worker = startWorker({ does: 'tries', receiving: receiver.fd })
    expect(await told(worker)).to.equal('ERR_WORMHOLE_BAD_FD')
    await worker.terminate()
    await sender.send('still here')
    expect(await receiver.recv()).to.equal('still here')
  })

  it('can be taken by another thread once it is detached', async () => {
    const [sender, receiver] = open<string>()
    const worker = startWorker({ does: 'tries', receiving: receiver.detach() })
    expect(await told(worker)).to.equal('adopted')
    await worker.terminate()
    throwsCode(() => receiver.recv(), 'ERR_WORMHOLE_CLOSED')
    await rejectsCode(sender.send('nobody is there'), 'ERR_WORMHOLE_DISCONNECTED')
  })
})

describe('a worker thread that is terminated', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Terminates a worker that waits at one end, and hands the other end over. */
  async function terminateOne(does: Task['does'], sends: boolean): Promise<[Sender<string>, Receiver]> {
    const [sender, receiver] = open<string>()
    const end = (sends ? sender : receiver).detach()
    const worker = startWorker({ does, [sends ? 'sending' : 'receiving']: end })
    expect(await told(worker)).to.equal('waiting')
    expect(await worker.terminate()).to.equal(1)
    return [sender, receiver]
  }

  for (const [does, what] of [
    ['waits', 'while a recv waits'],
    ['waitsSync', 'while recvSync blocks'],
  ] as const) {
    it(`${what} lets the sender see the end, ${TIMES} times`, async () => {
      const before = openDescriptors()
      for (let time = 0; time < TIMES; time++) {
        const [sender] = await terminateOne(does, false)
        await rejectsCode(sender.send('nobody is there'), 'ERR_WORMHOLE_DISCONNECTED')
      }
      expect(openDescriptors()).to.equal(before)
    })
  }

  for (const [does, what] of [
    ['waitsToSend', 'while sends wait in a full channel'],
    ['waitsToSendSync', 'while sendSync blocks in a full channel'],
  ] as const) {
    it(`${what} leaves what the channel took, and then the end, ${TIMES} times`, async () => {
      const before = openDescriptors()
      for (let time = 0; time < TIMES; time++) {
        const [, receiver] = await terminateOne(does, true)
        const messages = await collect(receiver)
        expect(messages).to.have.lengthOf.at.least(100)
        expect(new Set(messages)).to.deep.equal(new Set(['filler']))
      }
      expect(openDescriptors()).to.equal(before)
    })
  }

  it(`half-way through a large message spoils that message, ${TIMES} times`, async () => {
    const before = openDescriptors()
    for (let time = 0; time < TIMES; time++) {
      const [, receiver] = await terminateOne('sendsLarge', true)
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    }
    expect(openDescriptors()).to.equal(before)
  })

  it(`while messages stream through it does not disturb the process, ${TIMES} times`, async () => {
    for (let time = 0; time < TIMES; time++) {
      const [sender, receiving] = open<number>()
      const [sending, receiver] = open<number>()
      const worker = startWorker({ does: 'doubles', receiving: receiving.detach(), sending: sending.detach() })
      const stream = sender.sendAll(
        (function* numbers() {
          for (let number = 0; ; number++) yield number
        })()
      )
      expect(await receiver.recv()).to.equal(0)
      void worker.terminate()
      await rejectsCode(stream, 'ERR_WORMHOLE_DISCONNECTED')
      const arrived = await collect(receiver)
      expect(arrived).to.deep.equal(range(arrived.length).map((number) => 2 * number + 2))
    }
  })
})

describe('process.exit in the main thread', () => {
  usesChildren()
  leavesNoDescriptors()

  for (const waits of ['recvSync', 'sendSync', 'recv']) {
    it(`ends the process while a worker waits in ${waits}`, async () => {
      const { code, signal, stdout, stderr } = await startNode('exit-beside-worker', [waits]).ended
      expect({ code, signal, stderr }).to.deep.equal({ code: 7, signal: null, stderr: '' })
      expect(stdout).to.equal('exit\n')
    })
  }
})
