import { expect } from 'chai'
import { Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { INBOX_BYTES } from '#lib/wire/inbox'
import { OUTBOX_BYTES } from '#lib/wire/outbox'
import { HEADER_BYTES } from '#lib/wire/wasm'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { textOf as contentOf, withFiles } from '../helpers/files.js'
import { textOf } from '../helpers/fill.js'
import { LONG, sized } from '../helpers/long.js'
import { reports, startPeer } from '../helpers/peer.js'
import { rawPair } from '../helpers/raw.js'
import { forceSendBuffer, withStockBuffers } from '../helpers/send-buffer.js'
import { usesChildren } from '../helpers/uses-children.js'

const MIB = 2 ** 20
const FILES = 20
/** More than a side stream's buffer ever holds. */
const MAX_TRIED = 4 * MIB
const STEP = MIB / sized(3, 8)

/** The lengths at which something may change: of a message alone in its packet, of one beside another, of a long one. */
function sizesAround(longest: number): number[] {
  const alone = longest - HEADER_BYTES
  const limits = [alone, alone - HEADER_BYTES, Math.floor(alone / 2), Math.floor(longest / 3), longest, 2 * longest]
  return [2, 3, ...limits.flatMap((limit) => [limit - 1, limit, limit + 1])]
}

for (const [name, resize] of [
  ['the smallest', (fd: number) => socket.setSendBuffer(fd, 0)],
  ['the stock', () => undefined],
  ['the largest', (fd: number) => forceSendBuffer(fd, 2 ** 30)],
] as const) {
  describe(`${name} send buffer`, () => {
    usesChildren()
    leavesNoDescriptors()
    const { keep } = closesEnds()

    /** A channel whose sender has such a buffer, set before it was adopted or afterwards. */
    function openSized(
      type: number,
      when: 'before' | 'afterwards',
      coalesce = true
    ): [Sender<string>, Receiver<string>] {
      const [sending, receiving] = rawPair(type)
      if (when === 'before') resize(sending)
      const sender = keep(Sender.fromFd<string>(sending, { coalesce }))
      if (when === 'afterwards') resize(sending)
      return [sender, keep(Receiver.fromFd<string>(receiving))]
    }

    const longestOf = ({ fd }: { fd: number }) => Math.min(socket.longestPacket(fd), OUTBOX_BYTES)

    for (const [kind, type] of [
      ['packets', socket.SOCK_SEQPACKET],
      ['a byte stream', socket.SOCK_STREAM],
    ] as const) {
      for (const when of ['before', 'afterwards'] as const) {
        it(`takes messages of every length around its limits, over ${kind}, set ${when}`, async () => {
          for (const coalesce of LONG ? [true, false] : [when === 'before']) {
            const [sender, receiver] = openSized(type, when, coalesce)
            const texts = sizesAround(longestOf(sender)).map((size) => textOf(size, size % 2 === 0 ? 'a' : '€'))
            const received = collect(receiver)
            // Each by itself, all in one tick, and as many to a packet as fit.
            for (const text of texts) await sender.send(text)
            await Promise.all(texts.map((text) => sender.send(text)))
            await sender.sendAll(texts)
            sender.close()
            const all = await received
            expect(all.length).to.equal(3 * texts.length)
            for (const [index, text] of all.entries()) expect(text === texts[index % texts.length]).to.equal(true)
          }
        })
      }
    }

    it('takes descriptors beside messages of every length around its limits', async () => {
      const [sender, receiver] = openSized(socket.SOCK_SEQPACKET, 'before')
      await withFiles(FILES, async (files) => {
        for (const size of sizesAround(longestOf(sender))) {
          const sent = sender.sendWithFds(textOf(size), files)
          const [message, fds] = await receiver.recvWithFds()
          for (const fd of fds) keep(fd)
          expect(message.length).to.equal(textOf(size).length)
          expect(fds.map(contentOf)).to.deep.equal(files.map((_, index) => `file ${index}`))
          for (const fd of fds) fd.close()
          await sent
        }
      })
    })
  })
}

describe('a byte stream of which the kernel takes a message in part', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  it('has the rest of each that trySend accepted, in order', async () => {
    const [sending, receiving] = rawPair(socket.SOCK_STREAM)
    const sender = keep(Sender.fromFd<string>(sending))
    socket.setSendBuffer(sending, 0)
    const received = collect(keep(Receiver.fromFd<string>(receiving)))
    const accepted: string[] = []
    let parts = 0
    for (let size = 2; size < 10_000; size += 101) {
      const text = textOf(size)
      while (!sender.trySend(text)) await new Promise((resolve) => setImmediate(resolve))
      accepted.push(text)
      const { queued, messages } = sender.stats()
      expect(messages + queued).to.equal(accepted.length)
      parts += queued
    }
    expect(parts).to.be.above(0)
    sender.close()
    expect((await received).join()).to.equal(accepted.join())
  })
})

describe('a peer with the largest send buffer', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('has every packet read whole, up to the longest that the kernel makes', async () => {
    const [sender, receiver] = open<unknown>()
    const peer = startPeer('fills_packets', [], [sender.fd])
    sender.close()
    const messages = await collect(receiver)
    expect(await reports(peer)).to.deep.equal([])
    const { sent, longest } = messages.pop() as { sent: number; longest: number }
    const lengths = messages.map((text) => HEADER_BYTES + Buffer.byteLength(JSON.stringify(text)))
    expect([lengths.length, Math.max(...lengths)]).to.deep.equal([sent, longest])
    expect(longest).to.be.within(OUTBOX_BYTES, INBOX_BYTES)
    expect(receiver.stats().packets).to.equal(sent + 1)
    console.log(`      the longest packet: ${longest} bytes`)
  })
})

describe('a stock limit of send buffers (net.core.wmem_max)', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('decides how long a message trySend takes, and nothing else', async () => {
    for (const within of [withStockBuffers, (use: () => Promise<void>) => use()]) {
      await within(async () => {
        const [sender, receiver] = open<string>()
        let longest = 0
        for (let size = STEP; size <= MAX_TRIED; size += STEP) {
          const text = textOf(size)
          const taken = sender.trySend(text)
          if (taken) longest = size
          const sent = taken ? undefined : sender.send(text)
          expect((await receiver.recv()) === text, `${size} bytes`).to.equal(true)
          await sent
        }
        expect(receiver.tryRecv()).to.equal(undefined)
        expect(longest).to.be.within(OUTBOX_BYTES, MAX_TRIED - 1)
        console.log(
          `      up to ${longest / MIB} MiB by trySend${within === withStockBuffers ? ' where it is the stock one' : ''}`
        )
      })
    }
  })
})
