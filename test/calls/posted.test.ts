import { expect } from 'chai'
import { caller, type Link, link, serve } from 'wormhole-ipc/calls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'

const MANY = 10_000
/** Bytes of a message; an answer that says why there is no output has fewer. */
const LIMIT = 500

describe('calls made in one tick', () => {
  leavesNoDescriptors()
  const opened: Link[] = []
  afterEach(() => {
    for (const { sender, receiver } of opened.splice(0)) {
      sender.close()
      receiver.close()
    }
  })

  function open(options?: Parameters<typeof link>[0]): [Link, Link] {
    const pair = link(options)
    opened.push(...pair)
    return pair
  }

  const handlers = {
    echo: (text: string) => text,
    repeat: (count: number) => 'x'.repeat(count),
  }

  it('share packets, and so do their answers', async () => {
    const [ours, theirs] = open()
    void serve(theirs, handlers)
    const api = caller<typeof handlers>(ours)
    // By then the window of the other side has arrived too.
    await api.echo('first')
    const before = [ours, theirs].map(({ sender }) => sender.stats())
    const texts = Array.from({ length: 100 }, (_, n) => `text ${n}`)
    expect(await Promise.all(texts.map((text) => api.echo(text)))).to.deep.equal(texts)
    for (const [side, { sender }] of [ours, theirs].entries()) {
      const { messages, packets } = sender.stats()
      expect(messages - (before[side]?.messages ?? 0)).to.equal(100)
      // A few more than one, if the budget of the event loop's turn is over.
      expect(packets - (before[side]?.packets ?? 0)).to.be.below(10)
    }
  })

  it('leave before the tick is over, and so do answers, in ever larger packets', async () => {
    const [ours, theirs] = open()
    const left: number[] = []
    const sent = ({ sender }: Link) => sender.stats().messages
    let began = 0
    void serve(theirs, { count: () => left.push(sent(theirs) - began) })
    const api = caller<{ count(): number }>(ours)
    await api.count()
    const expected = Array.from({ length: 60 }, (_, made) => (made < 16 ? 0 : made < 48 ? 16 : 48))
    const attempt = async () => {
      left.length = 0
      began = sent(theirs)
      const before = sent(ours)
      const calls = expected.map(() => {
        const requests = sent(ours) - before
        return { requests, answer: api.count() }
      })
      await Promise.all(calls.map(({ answer }) => answer))
      return [calls.map(({ requests }) => requests), [...left]]
    }
    let seen = await attempt()
    // Not if the budget of the event loop's turn is over, as it may be on a busy machine.
    for (let tries = 1; tries < 100 && String(seen) !== String([expected, expected]); tries++) seen = await attempt()
    expect(seen).to.deep.equal([expected, expected])
  })

  it('travel one to a packet where the link says so', async () => {
    const [ours, theirs] = open({ coalesce: false })
    void serve(theirs, handlers)
    const api = caller<typeof handlers>(ours)
    await Promise.all(Array.from({ length: 30 }, (_, n) => api.echo(`text ${n}`)))
    const { messages, packets } = ours.sender.stats()
    expect([messages, packets]).to.deep.equal([30, 30])
  })

  it('all reject when nobody can receive them any more, those that wait for the window too', async () => {
    const [ours, theirs] = open()
    theirs.receiver.close()
    const api = caller<typeof handlers>(ours)
    const calls = Array.from({ length: MANY }, () => api.echo('lost'))
    const outcomes = await Promise.allSettled(calls)
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'resolved'))
    expect(new Set(codes)).to.deep.equal(new Set(['ERR_WORMHOLE_DISCONNECTED']))
  })

  it('reject alone where they or their outputs are too long', async () => {
    const [ours, theirs] = open({ maxMessageBytes: LIMIT })
    void serve(theirs, handlers)
    const api = caller<typeof handlers>(ours)
    const [one, input, output, two] = await Promise.allSettled([
      api.echo('one'),
      api.echo('x'.repeat(LIMIT)),
      api.repeat(LIMIT),
      api.echo('two'),
    ])
    expect([one, two]).to.deep.equal(['one', 'two'].map((value) => ({ status: 'fulfilled', value })))
    for (const outcome of [input, output])
      expect(outcome).to.have.nested.property('reason.code', 'ERR_WORMHOLE_TOO_LARGE')
    const { message } = (output as PromiseRejectedResult).reason
    expect(message).to.match(/^the output of the handler cannot be sent: a message of \d+ bytes is longer than/)
  })

  it('have the text that JSON makes of an input, or none', async () => {
    const [ours, theirs] = open()
    const seen: unknown[] = []
    const nothing = { toJSON: () => undefined }
    const served = {
      'a "name"': (input: unknown) => {
        seen.push(input)
        return input === undefined ? nothing : input
      },
    }
    void serve(theirs, served)
    const call = caller<Record<string, (input: unknown) => unknown>>(ours)['a "name"'] as (
      i: unknown
    ) => Promise<unknown>
    const inputs = [undefined, null, nothing, 'x', [undefined], { at: new Date(0) }]
    const outputs = await Promise.all(inputs.map((input) => call(input)))
    const read = [undefined, null, undefined, 'x', [null], { at: new Date(0).toJSON() }]
    expect(seen).to.deep.equal(read)
    expect(outputs).to.deep.equal(read)
  })
})
