import { expect } from 'chai'
import { startNode } from '../helpers/child.js'
import { chosen, inTurn } from '../helpers/long.js'

const CAUGHT = ['on purpose', 'uncaughtException']
const ON = 'went on'

/** What each tells where the process has handlers. */
const things: Record<string, unknown[]> = {
  tick: [CAUGHT, ON],
  ticks: [CAUGHT, CAUGHT, CAUGHT, ON],
  microtask: [CAUGHT, ON],
  emitter: [CAUGHT, ON],
  stream: [CAUGHT, ON],
  rejection: [['on purpose', 'unhandledRejection'], ON],
  'rejection handler': [CAUGHT, ON],
  'abort listener': [CAUGHT, ON],
  subscriber: [CAUGHT, ON],
  primitive: [CAUGHT, ON],
}
const ways = ['recv', 'send', 'recvmsg']
const threads = ['main', 'worker']
const contexts = ['plain', 'hooks', 'storage']

async function run(...args: [thread: string, way: string, what: string, handler: string, context: string]) {
  const { code, signal, stdout, stderr } = await startNode('throwing', args).ended
  const told: unknown[] = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return { code, signal, told, stderr }
}

describe('what is thrown in code that an end of a channel resumed', function () {
  this.timeout(60_000)

  for (const [index, [what, expected]] of Object.entries(things).entries()) {
    it(`goes to the process's handlers, once, and the program goes on: ${what}`, async () => {
      const ended = await Promise.all(
        inTurn(index, contexts).map((context) => run('main', 'recv', what, 'handled', context))
      )
      for (const each of ended) expect(each).to.deep.equal({ code: 0, signal: null, told: expected, stderr: '' })
    })

    it(`ends the process with code 1 and tells of it where there is no handler: ${what}`, async () => {
      const { code, signal, told, stderr } = await run('main', 'recv', what, 'unhandled', 'storage')
      expect({ code, signal, told }).to.deep.equal({ code: 1, signal: null, told: [] })
      expect(stderr).to.include(what === 'primitive' ? 'on purpose' : 'Error: on purpose\n    at ')
    })
  }

  for (const [index, thread] of threads.entries()) {
    for (const [place, way] of ways.entries()) {
      it(`is told of in whatever way it was resumed: ${way}, ${thread} thread`, async () => {
        const ended = await Promise.all(
          inTurn(index + place, contexts).map((context) => run(thread, way, 'ticks', 'handled', context))
        )
        for (const each of ended) {
          expect(each).to.deep.equal({ code: 0, signal: null, told: [CAUGHT, CAUGHT, CAUGHT, ON], stderr: '' })
        }
      })
    }

    it(`leaves process.exit() its way, with its code: ${thread} thread`, async () => {
      const ended = await Promise.all(
        inTurn(index + 1, contexts).map((context) => run(thread, 'recv', 'exit', 'handled', context))
      )
      for (const each of ended) expect(each).to.deep.equal({ code: 3, signal: null, told: [], stderr: '' })
    })
  }

  it('is nothing where a worker is terminated within it: that ends quietly', async () => {
    const ended = await Promise.all(
      inTurn(1, contexts).map((context) => run('worker', 'recv', 'loop', 'handled', context))
    )
    for (const each of ended) expect(each).to.deep.equal({ code: 1, signal: null, told: [], stderr: '' })
  })

  it("is the worker's 'error' event where the worker has no handler", async () => {
    for (const what of chosen(2, ['tick', 'rejection', 'stream', 'rejection handler'])) {
      const { code, told } = await run('worker', 'recv', what, 'unhandled', 'hooks')
      expect({ code, told }).to.deep.equal({ code: 1, told: [['error event', 'on purpose']] })
    }
  })
})
