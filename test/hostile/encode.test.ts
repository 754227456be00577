import { closeSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { type ChannelOptions, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { LONG, MAX_MS, SEED, sized, tried } from '../helpers/long.js'
import { rawPair, rawReceive } from '../helpers/raw.js'
import { frames } from '../helpers/reference-framer.js'

/** Past the fourth block of sixteen bytes. */
const MAX_BEFORE = 67

/** UTF-16 units that a writer of UTF-8 or of JSON may get wrong, alone and side by side. */
const AWKWARD = [
  ...['\0', '\x01', '\x1f', '"', '\\', '\x7f', '\x80', '\u07ff', '\u0800', '\u2028', '\ud7ff', '\ue000', '\ufeff'],
  ...['\ufffd', '\uffff', 'é', '€', '\u{10000}', '\u{1f600}', '\u{10ffff}'],
  // Half a character, at the wrong end, twice, or before a whole one.
  ...['\ud800', '\udbff', '\udc00', '\udfff', '\udc00\ud800', '\ud800\ud800\udc00', '\udfff\u{1f600}', '\ud83dx\ude00'],
]

describe('hostile: messages outside ASCII that are sent', () => {
  leavesNoDescriptors()

  for (const [name, type, options] of [
    ['packets', socket.SOCK_SEQPACKET, {}],
    ['one message a packet', socket.SOCK_SEQPACKET, { coalesce: false }],
    ['a byte stream', socket.SOCK_STREAM, {}],
  ] as const) {
    describe(`over ${name}`, () => {
      const { expectFramed } = sends(type, options)

      it('are framed as the reference frames them, at every place in a block', function () {
        this.timeout(MAX_MS)
        return expectPlaces(expectFramed, LONG ? [0, 1, 2, 15, 16, 17, 31, 32, 33] : [0, 16])
      })

      it('are framed as the reference frames them, whatever fast-check makes', async function () {
        this.timeout(MAX_MS)
        const rounds = sized(150, 50_000)
        await fc.assert(
          fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) => expectFramed(messages)),
          { seed: SEED, numRuns: rounds }
        )
        tried(rounds, 'sends of messages that fast-check made')
      })
    })
  }
})

type ExpectFramed = (messages: readonly unknown[]) => Promise<void>

/** A sender whose peer looks at the bytes. */
function sends(type: number, options: ChannelOptions): { expectFramed: ExpectFramed } {
  let sender: Sender
  let peer = -1
  beforeEach(() => {
    const [sending, receiving] = rawPair(type)
    sender = Sender.fromFd(sending, options)
    peer = receiving
  })
  afterEach(() => {
    sender.close()
    closeSync(peer)
  })
  return {
    expectFramed: async (messages) => {
      const expected = frames(messages.map((each) => JSON.stringify(each)))
      await Promise.all(messages.map((each) => sender.send(each)))
      const actual = rawReceive(peer)
      if (!actual.equals(expected)) expect(actual.toString('latin1')).to.equal(expected.toString('latin1'))
    },
  }
}

async function expectPlaces(expectFramed: ExpectFramed, behind: readonly number[]): Promise<void> {
  let count = 0
  for (const text of AWKWARD) {
    for (let before = 0; before <= MAX_BEFORE; before++) {
      const texts = behind.map((length) => 'x'.repeat(before) + text + 'y'.repeat(length))
      for (const each of texts) await expectFramed([each])
      await expectFramed([...texts, { [text]: texts }, 'ascii', text])
      count += texts.length + 1
    }
  }
  tried(count, 'sends of awkward text')
}

/** Text of UTF-16 units in any order: many are no characters. */
const units = fc
  .array(
    fc.oneof(
      fc.constantFrom(...AWKWARD),
      fc.nat(0xffff).map((unit) => String.fromCharCode(unit))
    ),
    {
      maxLength: 12,
    }
  )
  .map((pieces) => pieces.join(''))

const string = fc
  .tuple(fc.nat(70), units, fc.nat(70))
  .map(([before, text, after]) => 'x'.repeat(before) + text + 'y'.repeat(after))

const { message } = fc.letrec<{ message: unknown }>((tie) => ({
  message: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: string },
    { weight: 1, arbitrary: fc.oneof(fc.double(), fc.boolean(), fc.constant(null)) },
    { weight: 1, arbitrary: fc.array(tie('message'), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.dictionary(units, tie('message'), { maxKeys: 4 }) }
  ),
}))
