import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { merge, type SelectOptions, select } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'

interface Job {
  id: number
  due: Date
}

describe('the keys of select and merge, which tell the type of the message', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('narrow what select has chosen', async () => {
    const [jobs, todo] = open<Job>()
    const [stop, stopped] = open<'now' | 'later'>()
    void jobs.send({ id: 1, due: new Date(0) })
    void stop.send('later')
    const seen: unknown[] = []
    for (let count = 0; count < 2; count++) {
      const [key, message] = await select({ todo, stopped })
      expectTypeOf(key).toEqualTypeOf<'todo' | 'stopped'>()
      if (key === 'todo') {
        expectTypeOf(message).toEqualTypeOf<{ id: number; due: string }>()
        seen.push(key, message.id + 1, message.due.length)
      } else {
        expectTypeOf(message).toEqualTypeOf<'now' | 'later'>()
        seen.push(key, message)
      }
    }
    expect(seen).to.have.members(['todo', 2, new Date(0).toJSON().length, 'stopped', 'later'])
  })

  it('narrow each step of merge, in a switch too', async () => {
    const [numbers, counted] = open<number>()
    const [words, said] = open<string>()
    void numbers.send(7)
    void words.send('seven')
    numbers.close()
    words.close()
    let sum = 0
    let text = ''
    for await (const [key, message] of merge({ counted, said })) {
      switch (key) {
        case 'counted':
          expectTypeOf(message).toEqualTypeOf<number>()
          sum += message
          break
        case 'said':
          expectTypeOf(message).toEqualTypeOf<string>()
          text += message.toUpperCase()
          break
        default:
          expectTypeOf(key).toBeNever()
      }
    }
    expect([sum, text]).to.deep.equal([7, 'SEVEN'])
  })

  it('stay with ends: true, whose third element tells whether there is a message', async () => {
    const [jobs, todo] = open<Job>()
    const [stop, stopped] = open<string>()
    void jobs.send({ id: 1, due: new Date(0) })
    jobs.close()
    stop.close()
    const seen: unknown[] = []
    const [key, message, ended] = await select({ todo }, { ends: true })
    expectTypeOf(key).toEqualTypeOf<'todo'>()
    expectTypeOf(message).toEqualTypeOf<{ id: number; due: string } | undefined>()
    expectTypeOf(ended).toEqualTypeOf<boolean>()
    if (!ended) seen.push(message.id)
    for await (const [key, message, ended] of merge({ todo, stopped }, { ends: true })) {
      if (ended) {
        expectTypeOf(message).toEqualTypeOf<undefined>()
        seen.push(key)
      } else if (key === 'todo') expectTypeOf(message).toEqualTypeOf<{ id: number; due: string }>()
      else expectTypeOf(message).toEqualTypeOf<string>()
    }
    expect(seen).to.have.members([1, 'todo', 'stopped'])
  })

  it('are as without the option where ends is false, and of both kinds where it may be either', () => {
    const [, receiver] = open<number>()
    type Message = [key: 'receiver', message: number]
    type Told = [key: 'receiver', message: number, ended: false] | [key: 'receiver', message: undefined, ended: true]
    const calls = (ends: boolean, signal: AbortSignal) => {
      expectTypeOf(select({ receiver })).resolves.toEqualTypeOf<Message>()
      expectTypeOf(select({ receiver }, { signal })).resolves.toEqualTypeOf<Message>()
      expectTypeOf(select({ receiver }, { ends: false, signal })).resolves.toEqualTypeOf<Message>()
      expectTypeOf(select({ receiver }, { ends: true, signal })).resolves.toEqualTypeOf<Told>()
      expectTypeOf(select({ receiver }, { ends })).resolves.toEqualTypeOf<Message | Told>()
      expectTypeOf(merge({ receiver }, {})).toEqualTypeOf<AsyncIterableIterator<Message>>()
      expectTypeOf(merge({ receiver }, { ends: true })).toEqualTypeOf<AsyncIterableIterator<Told>>()
    }
    expectTypeOf(calls).toBeFunction()
    expectTypeOf<SelectOptions['ends']>().toEqualTypeOf<boolean | undefined>()
  })

  it('are those of receivers, and of nothing else', () => {
    const [sender, receiver] = open<number>()
    // @ts-expect-error a sender has no messages to give
    select({ sender, receiver }).catch((error) => expect(error.code).to.equal('ERR_WORMHOLE_ARGUMENT'))
    expectTypeOf(select<{ receiver: typeof receiver }>).returns.resolves.toEqualTypeOf<
      [key: 'receiver', message: number]
    >()
  })
})
