import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { channel, type WormholeErrorCode } from 'wormhole-ipc'
import { caller, type Link, link, serve } from 'wormhole-ipc/calls'
import { SOCK_STREAM } from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { headerOf, rawPair, rawSend } from '../helpers/raw.js'
import { schemaOf } from '../helpers/schema.js'

const LIMIT = 1000

/** What a peer may send that no receiver can read, by the code of the error. */
const UNREADABLE: [WormholeErrorCode, (fd: number) => void][] = [
  ['ERR_WORMHOLE_MALFORMED', (fd) => rawSend(fd, Buffer.concat([headerOf(2), Buffer.from('{]')]))],
  ['ERR_WORMHOLE_TOO_LARGE', (fd) => rawSend(fd, Buffer.concat([headerOf(LIMIT + 2), Buffer.alloc(LIMIT + 2, '1')]))],
  [
    'ERR_WORMHOLE_TRUNCATED',
    (fd) => {
      const [reading, writing] = rawPair(SOCK_STREAM)
      rawSend(fd, headerOf(100), [reading])
      closeSync(reading)
      closeSync(writing)
    },
  ],
]

describe('a link over which something unreadable comes', () => {
  const opened: Link[] = []
  leavesNoDescriptors()
  afterEach(() => {
    for (const { sender, receiver } of opened.splice(0)) {
      sender.close()
      receiver.close()
    }
  })

  function open(): [Link, Link] {
    const pair = link({ maxMessageBytes: LIMIT })
    opened.push(...pair)
    return pair
  }

  for (const [code, send] of UNREADABLE) {
    it(`ends with ${code} for every call under way, and every later one`, async () => {
      const [ours, theirs] = open()
      const api = caller<{ ask(): unknown }>(ours)
      const calls = [api.ask(), api.ask()]
      await theirs.receiver.recv()
      await theirs.receiver.recv()
      send(theirs.sender.fd)
      const errors = await Promise.all(calls.map((call) => rejectsCode(call, code)))
      for (const error of errors) expect(error.message).to.match(/^the link has ended/)
      await rejectsCode(api.ask(), code)
      await rejectsCode(theirs.receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    })

    it(`ends for who serves it (${code}): its caller learns so, and the handlers abort`, async () => {
      const [ours, theirs] = open()
      let aborted!: (reason: unknown) => void
      const reason = new Promise((resolve) => {
        aborted = resolve
      })
      const done = serve(ours, {
        wait: (_input: unknown, { signal }: { signal: AbortSignal }) => {
          signal.addEventListener('abort', () => aborted(signal.reason))
          send(theirs.sender.fd)
          return new Promise(() => undefined)
        },
      })
      const waiting = caller<{ wait(): unknown }>(theirs).wait()
      await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
      await done
      expect(await reason).to.have.property('code', 'ERR_WORMHOLE_DISCONNECTED')
    })
  }

  it('goes on where the schema refuses a message whose call is known', async () => {
    const even = schemaOf((form) => {
      const { output } = form as { output?: unknown }
      if (typeof output === 'number' && output % 2 !== 0) throw new Error('odd')
      return form
    })
    const [there, asked] = channel()
    const [back, answers] = channel({ schema: even })
    const [ours, theirs]: [Link, Link] = [
      { sender: there, receiver: answers },
      { sender: back, receiver: asked },
    ]
    opened.push(ours, theirs)
    void serve(theirs, { double: (n: number) => 2 * n, same: (n: number) => n })
    const api = caller<{ double(n: number): number; same(n: number): number }>(ours)
    await rejectsCode(api.same(1), 'ERR_WORMHOLE_INVALID')
    expect(await api.double(1)).to.equal(2)
  })
})
