import { expect } from 'chai'
import { merge, type Receiver, select } from 'wormhole-ipc'
import { overBudget } from '#lib/core/loop-budget'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, spin, turn } from '../helpers/fill.js'

type Receivers = Record<string, Receiver<number>>
const calls: Record<string, (receivers: Receivers) => Promise<unknown>> = {
  select: (receivers) => select(receivers),
  merge: (receivers) => merge(receivers).next(),
}

/** Work without end in this turn: what may wait for the next does. */
function useUpTheTurn(): void {
  for (let round = 0; round < 1000 && !overBudget(); round++) spin(1)
  expect(overBudget()).to.equal(true)
}

for (const [name, call] of Object.entries(calls)) {
  describe(`${name} whose receiver goes before it has begun, or while it waits`, () => {
    leavesNoDescriptors()
    const { open, reopen } = closesEnds()

    for (const putOff of [true, false]) {
      const when = putOff ? 'put off to the next turn' : 'waiting'

      async function begin(receivers: Receivers): Promise<{ waiting: Promise<unknown> }> {
        await turn()
        if (putOff) useUpTheTurn()
        const waiting = call(receivers)
        waiting.catch(() => undefined)
        if (!putOff) await turn()
        return { waiting }
      }

      it(`takes nothing of one that is moved, and says which: ${when}`, async () => {
        const [a, receiverA] = open<number>()
        const [, receiverB] = open<number>()
        const [carrier, inbox] = open<string>()
        const { waiting } = await begin({ b: receiverB, a: receiverA })
        await carrier.sendWithFds('yours', [receiverA])
        await a.sendAll(range(100))
        expect((await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')).key).to.equal('a')
        const [, [fd]] = await inbox.recvWithFds()
        const moved = fd?.receiver<number>() as Receiver<number>
        for (const index of range(100)) expect(await moved.recv()).to.equal(index)
        moved.close()
      })

      it(`takes nothing of one that is closed or detached, and counts nothing: ${when}`, async () => {
        for (const how of ['close', 'detach'] as const) {
          const [a, receiverA] = open<number>()
          const [b, receiverB] = open<number>()
          const { waiting } = await begin({ a: receiverA, b: receiverB })
          if (how === 'detach') reopen(receiverA, {})
          else receiverA.close()
          expect((await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')).key).to.equal('a')
          expect(receiverA.stats()).to.include({ messages: 0, packets: 0, queued: 0 })
          b.sendSync(1)
          expect(await receiverB.recv()).to.equal(1)
          a.close()
        }
      })
    }

    it('takes nothing of another that has a message, where one goes while the call is put off', async () => {
      const [, receiverA] = open<number>()
      const [b, receiverB] = open<number>()
      b.sendSync(1)
      await turn()
      useUpTheTurn()
      const waiting = call({ b: receiverB, a: receiverA })
      waiting.catch(() => undefined)
      receiverA.close()
      expect((await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')).key).to.equal('a')
      expect(receiverB.stats().messages).to.equal(0)
      expect(receiverB.tryRecv()).to.equal(1)
    })

    it('says which receiver was closed before the call', async () => {
      const [, receiverA] = open<number>()
      const [, receiverB] = open<number>()
      receiverB.close()
      const error = await rejectsCode(call({ a: receiverA, b: receiverB }), 'ERR_WORMHOLE_CLOSED')
      expect(error.key).to.equal('b')
    })

    it('gives each of those who wait the key of its own', async () => {
      const [, receiver] = open<number>()
      const all = ['one', 'two'].map((key) => call({ [key]: receiver }))
      for (const waiting of all) waiting.catch(() => undefined)
      await turn()
      receiver.close()
      const errors = await Promise.all(all.map((one) => rejectsCode(one, 'ERR_WORMHOLE_CLOSED')))
      expect(errors.map(({ key }) => key)).to.deep.equal(['one', 'two'])
    })
  })
}
