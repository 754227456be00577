import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { type Sender, WormholeError } from 'wormhole-ipc'
import { start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { fill, range, spin, turns } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'
import { watch } from '../helpers/watch.js'

describe('gone()', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  for (const [kind, make] of [
    ['packets', () => open<number>()],
    ['a byte stream', () => openStream<number>()],
  ] as const) {
    it(`resolves once every receiving end is gone, for all who wait, though nothing is ever sent (${kind})`, async () => {
      const [sender, receiver] = make()
      const another = keep(receiver.clone())
      const waits = range(1000).map(() => watch(sender.gone()))
      await turns()
      receiver.close()
      await turns()
      expect(waits.some(({ settled }) => settled)).to.equal(false)
      another.close()
      await sender.gone()
      await turns()
      expect(waits.every(({ settled }) => settled)).to.equal(true)
      await sender.gone()
      await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    })
  }

  it('does so on a full channel, beside sends that wait, which reject', async () => {
    const [sender, receiver] = open<number>()
    fill(sender, (index) => index)
    const sent = sender.send(1)
    const gone = sender.gone()
    const later = sender.gone()
    await turns()
    receiver.recvSync()
    await sent
    expect(watch(gone).settled).to.equal(false)
    receiver.close()
    await Promise.all([gone, later])
  })

  it("rejects with the signal's reason, leaves nothing behind, and lets others wait on", async () => {
    const [sender, receiver] = open()
    const reason = new Error('enough')
    await Promise.all(
      range(100).map(async () => {
        const aborting = new AbortController()
        const outcome = reasonOf(sender.gone({ signal: aborting.signal }))
        expect(getEventListeners(aborting.signal, 'abort')).to.have.lengthOf(1)
        aborting.abort(reason)
        expect(await outcome).to.equal(reason)
        expect(getEventListeners(aborting.signal, 'abort')).to.have.lengthOf(0)
      })
    )
    expect(await reasonOf(sender.gone({ signal: AbortSignal.abort(reason) }))).to.equal(reason)
    await rejectsCode(sender.gone({ signal: 1 as unknown as AbortSignal }), 'ERR_WORMHOLE_ARGUMENT')
    const { signal } = new AbortController()
    const waits = sender.gone({ signal })
    receiver.close()
    await waits
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(0)
  })

  it('resolves where the ends are gone by the time that a timeout fires', async () => {
    const [sender, receiver] = open()
    const gone = sender.gone({ signal: AbortSignal.timeout(10) })
    receiver.close()
    spin(40)
    await gone
  })

  for (const [how, leave] of [
    ['close()', async (sender: Sender) => sender.close()],
    ['detach()', async (sender: Sender) => void keep((await import('wormhole-ipc')).Sender.fromFd(sender.detach()))],
    [
      'a move',
      async (sender: Sender) => {
        const [carrier] = open()
        await carrier.sendWithFds(1, [sender])
      },
    ],
  ] as const) {
    it(`rejects with ERR_WORMHOLE_CLOSED at ${how}, and throws it afterwards`, async () => {
      const [sender] = open()
      const waits = range(3).map(() => sender.gone())
      await leave(sender)
      for (const wait of waits) await rejectsCode(wait, 'ERR_WORMHOLE_CLOSED')
      throwsCode(() => sender.gone(), 'ERR_WORMHOLE_CLOSED')
    })
  }

  it('is quiet where nobody looks', async () => {
    const [sender] = open()
    void sender.gone()
    sender.close()
    await turns()
    expect(new WormholeError('ERR_WORMHOLE_CLOSED', '')).to.be.an('error')
  })

  it('keeps the process alive, unless it is unref()ed or given up', async () => {
    const run = (body: string) => {
      const code = `
        import { channel } from ${JSON.stringify(import.meta.resolve('wormhole-ipc'))}
        const [sender, receiver] = channel()
        process.on('exit', () => console.log('exit'))
        ${body}`
      return start(process.execPath, ['--input-type=module', '-e', code])
    }
    const waiting = run(
      'console.log("up"); setTimeout(() => receiver.close(), 300).unref(); await sender.gone(); console.log("gone")'
    )
    expect((await waiting.ended).stdout).to.equal('up\ngone\nexit\n')
    for (const body of [
      'sender.unref(); void sender.gone()',
      'void sender.gone(); sender.unref()',
      'const aborting = new AbortController(); sender.gone({ signal: aborting.signal }).catch(() => {}); aborting.abort()',
      'void sender.gone(); setImmediate(() => sender.close())',
      'const aborting = new AbortController(); void sender.sendAll((async function* () { await new Promise(() => {}) })()); sender.gone({ signal: aborting.signal }).catch(() => {}); setImmediate(() => aborting.abort())',
    ]) {
      const { stdout, code } = await run(body).ended
      expect([stdout, code]).to.deep.equal(['exit\n', 0])
    }
  })
})
