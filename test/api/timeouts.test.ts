import { expect } from 'chai'
import { channel, WormholeError } from 'wormhole-ipc'
import { forkAndRun } from 'wormhole-ipc/process'
import { fixture } from '../helpers/child.js'
import { throwsCode } from '../helpers/expect-error.js'

const LONG = [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, 1e15, Number.MAX_VALUE, Number.POSITIVE_INFINITY]
const BAD = [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5', 5n, null, {}, true]

describe('every timeout is any number of milliseconds from 0 to Infinity', () => {
  for (const timeout of LONG) {
    it(`${timeout} does not fire at once`, async () => {
      expect(await forkAndRun(fixture('functions'), [1, 2], { export: 'sum', timeout })).to.equal(3)
      const [sender, receiver] = channel<number>()
      sender.sendSync(1, { timeout })
      sender.sendWithFdsSync(2, [], { timeout })
      expect(receiver.recvSync({ timeout })).to.equal(1)
      expect(receiver.recvWithFdsSync({ timeout })).to.deep.equal([2, []])
      sender.close()
      receiver.close()
    })
  }

  it('0 ends a wait at once', async () => {
    const error = await forkAndRun(fixture('functions'), {}, { export: 'runForEver', timeout: 0 }).catch((e) => e)
    expect(error).to.be.instanceOf(WormholeError).and.have.property('code', 'ERR_WORMHOLE_TIMEOUT')
    const [sender, receiver] = channel<number>()
    throwsCode(() => receiver.recvSync({ timeout: 0 }), 'ERR_WORMHOLE_TIMEOUT')
    sender.close()
    receiver.close()
  })

  it('what is no such number is refused, and nothing is sent or taken', async () => {
    const [sender, receiver] = channel<number>()
    await sender.send(1)
    for (const bad of BAD) {
      const timeout = bad as number
      const error = await forkAndRun(fixture('functions'), [1], { export: 'sum', timeout }).catch((e) => e)
      expect(error).to.be.instanceOf(WormholeError).and.have.property('code', 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => sender.sendSync(2, { timeout }), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => receiver.recvSync({ timeout }), 'ERR_WORMHOLE_ARGUMENT')
    }
    sender.close()
    expect(receiver.recvSync()).to.equal(1)
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_DISCONNECTED')
    receiver.close()
  })
})
