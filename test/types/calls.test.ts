import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import type { OwnedFd } from 'wormhole-ipc'
import { type CallContext, type Caller, type CallOptions, type Link, link, withFds } from 'wormhole-ipc/calls'
import { type Pool, pool } from 'wormhole-ipc/pool'
import { fork, inherited } from 'wormhole-ipc/process'

const handlers = {
  resize: (size: { width: number }) => ({ at: new Date(0), width: size.width }),
  later: async (_input: string, _context: CallContext) => [1, 2],
  open: () => withFds({ name: 'x' }, []),
  nothing: () => {},
  maybe: (name?: string) => name ?? null,
}

describe('the types of calls', () => {
  it('are those of the handlers, as JSON brings them', () => {
    type Api = Caller<typeof handlers>
    expectTypeOf<Api['resize']>().toEqualTypeOf<
      (input: { width: number }, options?: CallOptions) => Promise<{ at: string; width: number }>
    >()
    expectTypeOf<Api['later']>().toEqualTypeOf<(input: string, options?: CallOptions) => Promise<number[]>>()
    expectTypeOf<ReturnType<Api['open']>>().toEqualTypeOf<Promise<[output: { name: string }, fds: OwnedFd[]]>>()
    expectTypeOf<ReturnType<Api['nothing']>>().toEqualTypeOf<Promise<undefined>>()
    expectTypeOf<Api['nothing']>().toBeCallableWith()
    expectTypeOf<Api['maybe']>().toBeCallableWith()
    expectTypeOf<Api>().not.toHaveProperty('unknown')
    expect(handlers.maybe()).to.equal(null)
  })

  it('let a link go where the end of a channel goes', () => {
    interface Channels {
      api: Link
    }
    expectTypeOf(inherited<Channels>).returns.toEqualTypeOf<Channels>()
    expectTypeOf(fork<Channels>)
      .parameter(0)
      .toEqualTypeOf<string | URL>()
    expectTypeOf(link).returns.toEqualTypeOf<[Link, Link]>()
  })

  it('are the same for a pool', () => {
    expectTypeOf(pool<number, { at: Date }>).returns.toEqualTypeOf<Pool<number, { at: Date }>>()
    expectTypeOf<ReturnType<Pool<number, { at: Date }>['run']>>().toEqualTypeOf<Promise<{ at: string }>>()
  })
})
