import { expect } from 'chai'
import { startNode } from '../helpers/child.js'
import { chosen, inTurn, LONG } from '../helpers/long.js'

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
/** First those whose ways to the end of the process differ most. */
const unhandled = [...new Set(['tick', 'rejection', 'primitive', 'subscriber', ...Object.keys(things)])]
const ways = ['recv', 'send', 'recvmsg']
const threads = ['main', 'worker']
const contexts = ['plain', 'hooks', 'storage']

async function run(
  thread: string,
  handler: string,
  context: string,
  ...cases: (readonly [way: string, what: string])[]
) {
  const args = [thread, handler, context, ...cases.map((each) => each.join(':'))]
  const { code, signal, stdout, stderr } = await startNode('throwing', args).ended
  const told: unknown[] = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return { code, signal, told, stderr }
}

describe('what is thrown in code that an end of a channel resumed', function () {
  this.timeout(60_000)

  for (const [place, context] of contexts.entries()) {
    const names = Object.keys(things).filter((_, index) => LONG || index % contexts.length === place)
    it(`goes to the process's handlers, once, and the program goes on: ${names.join(', ')} (${context})`, async () => {
      const ended = await run('main', 'handled', context, ...names.map((what) => ['recv', what] as const))
      const told = names.flatMap((what) => things[what])
      expect(ended).to.deep.equal({ code: 0, signal: null, told, stderr: '' })
    })
  }

  for (const what of chosen(4, unhandled)) {
    it(`ends the process with code 1 and tells of it where there is no handler: ${what}`, async () => {
      const { code, signal, told, stderr } = await run('main', 'unhandled', 'storage', ['recv', what])
      expect({ code, signal, told }).to.deep.equal({ code: 1, signal: null, told: [] })
      expect(stderr).to.include(what === 'primitive' ? 'on purpose' : 'Error: on purpose\n    at ')
    })
  }

  for (const [index, thread] of threads.entries()) {
    it(`is told of in whatever way it was resumed: ${ways.join(', ')}, ${thread} thread`, async () => {
      for (const context of inTurn(index, contexts)) {
        const ended = await run(thread, 'handled', context, ...ways.map((way) => [way, 'ticks'] as const))
        const told = ways.flatMap(() => [CAUGHT, CAUGHT, CAUGHT, ON])
        expect(ended).to.deep.equal({ code: 0, signal: null, told, stderr: '' })
      }
    })

    it(`leaves process.exit() its way, with its code: ${thread} thread`, async () => {
      for (const context of inTurn(index + 1, contexts)) {
        const ended = await run(thread, 'handled', context, ['recv', 'exit'])
        expect(ended).to.deep.equal({ code: 3, signal: null, told: [], stderr: '' })
      }
    })
  }

  it('is nothing where a worker is terminated within it: that ends quietly', async () => {
    for (const context of inTurn(1, contexts)) {
      const ended = await run('worker', 'handled', context, ['recv', 'loop'])
      expect(ended).to.deep.equal({ code: 1, signal: null, told: [], stderr: '' })
    }
  })

  it("is the worker's 'error' event where the worker has no handler", async () => {
    for (const what of chosen(2, ['tick', 'rejection', 'stream', 'rejection handler'])) {
      const { code, told } = await run('worker', 'unhandled', 'hooks', ['recv', what])
      expect({ code, told }).to.deep.equal({ code: 1, told: [['error event', 'on purpose']] })
    }
  })
})
