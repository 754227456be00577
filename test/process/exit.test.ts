import { expect } from 'chai'
import type { Receiver } from 'wormhole-ipc'
import { LATE } from '../fixtures/late.js'
import { type Child, startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range } from '../helpers/fill.js'
import { sleeps } from '../helpers/proc.js'
import { usesChildren } from '../helpers/uses-children.js'

interface Numbered {
  number: number
}

interface Exiting {
  child: Child
  receiver: Receiver<unknown>
  /** Resolves when it has come to its exit. */
  exiting: () => Promise<void>
}

/** Where the processor is busy with something else, all may not be read in the second that an exit takes at most. */
const MAX_TRIES = 5
let wasLate = false

/** A test of what arrives: is tried again where the time of the exit was over. */
function itDelivers(what: string, attempt: () => Promise<void>): void {
  it(`delivers ${what}`, async () => {
    for (let tries = 1; ; tries++) {
      wasLate = false
      try {
        return await attempt()
      } catch (error) {
        if (!wasLate || tries === MAX_TRIES) throw error
      }
    }
  })
}

/** What is received, and that the child ended well. */
async function received({ child, receiver }: Exiting, code = 0): Promise<unknown[]> {
  const messages = await collect(receiver)
  const { stderr, ...end } = await child.ended
  wasLate = stderr.includes(LATE)
  expect(end, stderr).to.deep.equal({ code, signal: null, stdout: '' })
  return messages
}

function numbers(messages: unknown[]): number[] {
  return messages.map((message) => (message as Numbered).number)
}

describe('the end of a sending process', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Starts the fixture; only it holds the sending ends. */
  function startExiting(ending: string, count = 0): Exiting {
    const [sender, receiver] = open<unknown>()
    const [noticeSender, notices] = open<string>()
    const child = startNode('exiting', [ending, String(count)], [sender.fd, noticeSender.fd])
    sender.close()
    noticeSender.close()
    return { child, receiver, exiting: async () => void expect(await notices.recv()).to.equal('exiting') }
  }

  for (const ending of ['process.exit', 'process.exit after close', 'an exit listener']) {
    itDelivers(`a message sent just before: ${ending}`, async () => {
      expect(await received(startExiting(ending))).to.deep.equal(['last words'])
    })
  }

  itDelivers('what an exit listener sends after other sends', async () => {
    const messages = await received(startExiting('an exit listener after other sends'))
    expect(messages).to.deep.equal(['first words', 'last words'])
  })

  itDelivers('the descriptors of a message sent just before', async () => {
    const exiting = startExiting('process.exit with a descriptor')
    const [message, fds] = await exiting.receiver.recvWithFds()
    expect(message).to.equal('last words')
    expect(fds.map((fd) => fd.kind)).to.deep.equal(['file'])
    for (const fd of fds) fd.close()
    expect(await received(exiting)).to.deep.equal([])
  })

  itDelivers('many pending messages to a reader that reads', async () => {
    expect(numbers(await received(startExiting('process.exit with many', 3000)))).to.deep.equal(range(3000))
  })

  itDelivers('what is pending in a full channel to a reader that starts late', async () => {
    const exiting = startExiting('process.exit with many', 3000)
    await exiting.exiting()
    await sleeps(exiting.child.process.pid as number)
    expect(numbers(await received(exiting))).to.deep.equal(range(3000))
  })

  itDelivers('a large message', async () => {
    const [message, ...others] = await received(startExiting('process.exit with a large one'))
    expect(message === 'x'.repeat(5 * 2 ** 20)).to.equal(true)
    expect(others).to.deep.equal([])
  })

  itDelivers('a large message and the many behind it that fill the channel', async () => {
    const exiting = startExiting('process.exit with a large one before many', 1000)
    await exiting.exiting()
    const [large, ...others] = await received(exiting)
    expect(large === 'x'.repeat(5 * 2 ** 20)).to.equal(true)
    expect(numbers(others)).to.deep.equal(range(1000))
  })

  itDelivers('to a reader that reads while nobody reads other channels, and is bounded for all together', async () => {
    const exiting = startExiting('process.exit while other channels are stuck', 3000)
    await exiting.exiting()
    await sleeps(exiting.child.process.pid as number)
    expect(numbers(await received(exiting))).to.deep.equal(range(3000))
  })

  itDelivers('what is pending when the program has nothing else to do', async () => {
    expect(numbers(await received(startExiting('the end of the program', 3000)))).to.deep.equal(range(3000))
  })

  itDelivers('what is pending although the sender was unreferenced', async () => {
    const exiting = startExiting('the end of the program, unreferenced', 3000)
    await exiting.exiting()
    expect(numbers(await received(exiting))).to.deep.equal(range(3000))
  })

  for (const ending of ['an uncaught exception', 'an unhandled rejection']) {
    itDelivers(`what is pending at ${ending}`, async () => {
      expect(numbers(await received(startExiting(ending, 1000), 1))).to.deep.equal(range(1000))
    })
  }

  it('comes although nobody reads; what the kernel took arrives, in order', async () => {
    const exiting = startExiting('process.exit with many', 3000)
    expect((await exiting.child.ended).code).to.equal(0)
    const arrived = numbers(await received(exiting))
    expect(arrived).to.have.lengthOf.within(1, 2999)
    expect(arrived).to.deep.equal(range(arrived.length))
  })

  it('comes although every reader is gone', async () => {
    const exiting = startExiting('process.exit with many', 3000)
    exiting.receiver.close()
    expect(await exiting.child.ended).to.deep.include({ code: 0, signal: null, stderr: '' })
  })
})

describe('a process with idle endpoints', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  async function outputOf(waiting: string, message?: string): Promise<string> {
    const [sender, receiver] = open<string>()
    const child = startNode('idle', [waiting], [receiver.fd])
    receiver.close()
    if (message !== undefined) {
      // Not before it has started to wait, as far as can be seen from here.
      await sleeps(child.process.pid as number)
      await sender.send(message)
    }
    const { code, stdout, stderr } = await child.ended
    expect(code, stderr).to.equal(0)
    return stdout
  }

  it('ends when nothing waits on them', async () => {
    expect(await outputOf('nothing waits')).to.equal('seen\nend\n')
  })

  it('stays while a recv waits, and ends when it has its message', async () => {
    expect(await outputOf('recv waits', 'message')).to.equal('message\nend\n')
  })

  it('ends although an unreferenced recv waits', async () => {
    expect(await outputOf('an unreferenced recv waits')).to.equal('end\n')
  })

  it('ends when a waiting recv is unreferenced', async () => {
    expect(await outputOf('recv is unreferenced while it waits')).to.equal('end\n')
  })

  it('stays when a waiting recv is referenced again', async () => {
    expect(await outputOf('recv is referenced again', 'message')).to.equal('message\nend\n')
  })

  it('ends when the only recv is aborted', async () => {
    expect(await outputOf('an aborted recv')).to.equal('aborted\nend\n')
  })

  it('stays while a send waits in a full channel', async () => {
    expect(await outputOf('a send waits in a full channel', 'go')).to.match(/^(pending\nsent|sent\npending)\nend\n$/)
  })
})
