import { expect } from 'chai'
import { type CallContext, caller, type Link, link, serve } from 'wormhole-ipc/calls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { LONG } from '../helpers/long.js'

const opened: Link[] = []

function open(): [Link, Link] {
  const pair = link()
  opened.push(...pair)
  return pair
}

function served<Handlers extends object>(handlers: Handlers) {
  const [ours, theirs] = open()
  void serve(theirs, handlers)
  return { api: caller<Handlers>(ours) }
}

describe('calls over a link', () => {
  leavesNoDescriptors()
  afterEach(() => {
    for (const { sender, receiver } of opened.splice(0)) {
      sender.close()
      receiver.close()
    }
  })

  it('move the ends of another link along; the link itself is refused with what to pass in its place', async () => {
    const { api } = served({ take: (_input: undefined, { fds }: CallContext) => serveOver(fds) })
    const serveOver = ([sender, receiver]: CallContext['fds']) => {
      const side = { sender: sender!.sender(), receiver: receiver!.receiver() }
      opened.push(side)
      void serve(side, { double: (n: number) => 2 * n })
    }
    const [ours, theirs] = open()
    const wrong = await rejectsCode(api.take(undefined, { fds: [theirs as never] }), 'ERR_WORMHOLE_BAD_FD')
    expect(wrong.message).to.include('link.sender and link.receiver')
    await api.take(undefined, { fds: [theirs.sender, theirs.receiver] })
    expect(await caller<{ double(n: number): number }>(ours).double(4)).to.equal(8)
  })

  it('leave nothing behind, every tenth being aborted', async function () {
    this.timeout(LONG ? 600_000 : 60_000)
    const { api } = served({ echo: (n: number) => n })
    const rounds = LONG ? 10_000 : 300
    const { signal } = new AbortController()
    const round = async () => {
      const calls = Array.from({ length: 100 }, (_, n) => {
        if (n % 10 !== 0) return api.echo(n, { signal })
        const aborting = new AbortController()
        const call = api.echo(n, { signal: aborting.signal })
        aborting.abort()
        return call
      })
      const outcomes = await Promise.allSettled(calls)
      expect(outcomes.filter(({ status }) => status === 'rejected')).to.have.length(10)
    }
    const heap = () => {
      ;(globalThis as { gc?: () => void }).gc?.()
      return process.memoryUsage().heapUsed
    }
    for (let n = 0; n < 50; n++) await round()
    const before = heap()
    for (let n = 0; n < rounds; n++) await round()
    // Without --expose-gc there is garbage: what 27,000 calls would hold is far more.
    expect(heap() - before).to.be.below(40_000_000)
  })
})
