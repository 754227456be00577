import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { rawPair } from '../helpers/raw.js'
import { frame, frames } from '../helpers/reference-framer.js'

const LEVELS = 100_000

/** How many arrays or objects of one member stand around the number 1. */
function levelsOf(value: unknown): number {
  let count = 0
  for (let inner = value; inner !== 1; count++) {
    const members: unknown[] = typeof inner === 'object' && inner !== null ? Object.values(inner) : []
    if (members.length !== 1) throw new Error(`something else at level ${count}`)
    inner = members[0]
  }
  return count
}

/** So many arrays around a value. */
function nestedAround(inner: unknown): unknown {
  let nested = inner
  for (let level = 0; level < LEVELS; level++) nested = [nested]
  return nested
}

function canBeWritten(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}

describe('hostile: deep nesting', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()

  for (const [type, kind] of [
    ['packets', socket.SOCK_SEQPACKET],
    ['a byte stream', socket.SOCK_STREAM],
  ] as const) {
    // What fits into a packet of a stock system.
    for (const [name, opening, closing, levels] of [
      ['arrays', '[', ']', LEVELS],
      ['objects', '{"":', '}', 30_000],
    ] as const) {
      const whole = `${opening.repeat(levels)}1${closing.repeat(levels)}`

      it(`of ${name} arrives, alone and among other messages (${type})`, async () => {
        const peer = keep(new BarePeer(kind))
        peer.write(frame(whole))
        expect(levelsOf(await peer.receiver.recv())).to.equal(levels)
        peer.write(frames(['"before"', whole, '"behind"']))
        expect(await peer.receiver.recv()).to.equal('before')
        expect(levelsOf(await peer.receiver.recv())).to.equal(levels)
        expect(await peer.receiver.recv()).to.equal('behind')
      })

      it(`of ${name} that is not closed fails alone, so does what is closed too often (${type})`, async () => {
        const peer = keep(new BarePeer(kind))
        for (const bad of [opening.repeat(levels), whole.slice(0, -1), `1${closing.repeat(levels)}`, `${whole}]`]) {
          peer.write(frames(['"before"', bad, '"behind"']))
          expect(await peer.receiver.recv()).to.equal('before')
          await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_MALFORMED')
          expect(await peer.receiver.recv()).to.equal('behind')
        }
      })
    }
  }

  it('of two million levels over a side stream arrives, or fails alone', async () => {
    const levels = 2_000_000
    const opened = '['.repeat(levels)
    for (const text of [opened, `${opened}1${']'.repeat(levels)}`]) {
      const peer = keep(new BarePeer(socket.SOCK_SEQPACKET))
      const [writing, reading] = rawPair(socket.SOCK_STREAM)
      peer.write(frame('', BigInt(text.length)), [reading])
      peer.write(frame('"next"'))
      closeSync(reading)
      const received = peer.receiver.recv()
      new OwnedFd(writing).toSocket().end(text)
      if (text === opened) await rejectsCode(received, 'ERR_WORMHOLE_MALFORMED')
      else expect(levelsOf(await received)).to.equal(levels)
      expect(await peer.receiver.recv()).to.equal('next')
    }
  })

  it('is refused at the sending call where it is too deep for JSON.stringify, and nothing is sent', async () => {
    const [sender, receiver] = open<unknown>()
    // Every Node.js takes stack for each level around what it has to call.
    throwsCode(() => void sender.send(nestedAround({ toJSON: () => 1 })), 'ERR_WORMHOLE_UNSERIALIZABLE')
    await sender.send('next')
    expect(await receiver.recv()).to.equal('next')
  })

  it('of nothing but arrays is refused so, or arrives where JSON.stringify writes it (Node.js 26)', async () => {
    const [sender, receiver] = open<unknown>()
    const nested = nestedAround(1)
    if (canBeWritten(nested)) {
      const [received] = await Promise.all([receiver.recv(), sender.send(nested)])
      expect(levelsOf(received)).to.equal(LEVELS)
    } else throwsCode(() => void sender.send(nested), 'ERR_WORMHOLE_UNSERIALIZABLE')
    await sender.send('next')
    expect(await receiver.recv()).to.equal('next')
  })
})
