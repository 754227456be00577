import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { BusyPoll } from '#lib/os/busy-poll'
import { countCalls } from '../helpers/count-calls.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range } from '../helpers/fill.js'

const ROUND_TRIPS = 100

describe('request and reply, one at a time', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('cost each side one sendmsg, one recvmsg, and no call to watch', async () => {
    const [requests, served] = open<number>()
    const [replies, answers] = open<number>()
    const serving = (async () => {
      for await (const request of served) await replies.send(request + 1)
    })()
    const ask = async (request: number) => {
      await requests.send(request)
      return answers.recv()
    }
    // Until it shows that each message is awaited, and that no answer is there before it is waited for.
    for (const request of range(50)) await ask(request)
    const calls = await countCalls(async () => {
      for (const request of range(ROUND_TRIPS)) expect(await ask(request)).to.equal(request + 1)
    })
    expect(calls.sendmsg).to.equal(2 * ROUND_TRIPS)
    expect(calls.watches).to.equal(0)
    // One wait in eight looks for the message first: it may be there.
    expect(calls.recvmsg).to.be.within(2 * ROUND_TRIPS, 2.25 * ROUND_TRIPS + 2)
    requests.close()
    await serving
  })

  it('watches the next channel whose descriptor has the number of one that is closed', async () => {
    for (const value of range(20)) {
      const [sender, receiver] = open<number>()
      const calls = await countCalls(async () => {
        const message = receiver.recv()
        await sender.send(value)
        expect(await message).to.equal(value)
      })
      expect(calls.watches).to.be.at.least(1)
      sender.close()
      receiver.close()
    }
  })

  it('tells the decision to poll how long the event loop had slept', async () => {
    const { next } = BusyPoll.prototype
    const waits: number[] = []
    BusyPoll.prototype.next = function (this: BusyPoll, polled, waited) {
      waits.push(waited)
      return next.call(this, polled, waited)
    }
    try {
      const [sender, receiver] = open<number>()
      for (const value of range(5)) {
        const message = receiver.recv()
        await setTimeout(20)
        await sender.send(value)
        expect(await message).to.equal(value)
      }
    } finally {
      BusyPoll.prototype.next = next
    }
    expect(waits.length).to.be.at.least(5)
    // The first is since the process began; of the others one at least slept for most of its timer's time.
    expect(Math.max(...waits.slice(1))).to.be.within(10_000, 60_000_000)
  })
})
