import { once } from 'node:events'
import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { type Ends, fork, inherited, spawn } from 'wormhole-ipc/process'
import type { Channels } from '../fixtures/typed-child.js'
import { fixture } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { usesChildren } from '../helpers/uses-children.js'

interface Job {
  id: number
  due: Date
}
interface Result {
  id: number
  done: Date
}

describe('one interface of channels for parent and child', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('types what the child inherits, and what the parent must give it', async () => {
    const [todo, jobs] = open<Job>()
    const [results, done] = open<Result>()
    const child = fork<Channels>(fixture('typed-child'), { channels: { jobs, results } })
    const exit = once(child, 'exit')
    await todo.send({ id: 1, due: new Date(0) })
    todo.close()
    const result = await done.recv()
    expectTypeOf(result).toEqualTypeOf<{ id: number; done: string }>()
    expect(result).to.deep.equal({ id: 1, done: new Date(0).toJSON() })
    expect(await exit).to.deep.equal([0, null])
  })

  it('gives the child exactly the ends it names', () => {
    expectTypeOf(inherited<Channels>).returns.toEqualTypeOf<Channels>()
    expectTypeOf(inherited<{ log: Sender<string> }>).returns.toEqualTypeOf<{ log: Sender<string> }>()
    expectTypeOf(inherited).returns.toEqualTypeOf<Ends>()
    // @ts-expect-error a number is no end of a channel
    throwsCode(() => inherited<{ log: number }>(), 'ERR_WORMHOLE_NO_CHANNEL')
  })

  it('refuses a parent that gives too few, the wrong end, or other messages', () => {
    const [todo, jobs] = channel<Job>()
    const [results, done] = channel<Result>()
    for (const end of [todo, jobs, results, done]) end.close()
    // The ends are closed, so that no child starts.
    // @ts-expect-error "results" is missing
    throwsCode(() => fork<Channels>('child.js', { channels: { jobs } }), 'ERR_WORMHOLE_CLOSED')
    // @ts-expect-error "results" is to be the sending end
    throwsCode(() => fork<Channels>('child.js', [], { channels: { jobs, results: done } }), 'ERR_WORMHOLE_CLOSED')
    // @ts-expect-error other messages come from "jobs"
    throwsCode(() => spawn<Channels>('node', { channels: { jobs: done, results } }), 'ERR_WORMHOLE_CLOSED')
  })

  it('takes ends of any messages where no interface is named', async () => {
    expectTypeOf<{ a: Sender<Job>; b: Receiver<string>; c: Sender<never> }>().toExtend<Ends>()
    const [sender, receiver] = open<string>()
    const [numbers, counted] = open<number>()
    const [words, said] = open<string>()
    await sender.sendWithFds('ends of several types in one list', [numbers, words])
    const [, fds] = await receiver.recvWithFds()
    for (const fd of fds) fd.close()
    await rejectsCode(counted.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(said.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })
})
