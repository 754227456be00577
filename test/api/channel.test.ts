import { expect } from 'chai'
import { type ChannelOptions, channel, Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { INBOX_BYTES, inbox } from '#lib/wire/inbox'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { range, textOf, turn } from '../helpers/fill.js'
import { chosen } from '../helpers/long.js'

const HEADER_BYTES = 8
const KIB = 1024
const MIB = 1024 * KIB

describe('channel', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('carries a message from its sender to its receiver', async () => {
    const [sender, receiver] = open<{ a: number; b: string; c: number[] }>()
    await sender.send({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })
    expect(await receiver.recv()).to.deep.equal({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] })
  })

  const values: Record<string, unknown> = {
    null: null,
    true: true,
    false: false,
    'an integer': 42,
    'a negative fraction': -0.125,
    'the largest and the smallest number': [Number.MAX_VALUE, Number.MIN_VALUE, Number.MIN_SAFE_INTEGER],
    'an empty string': '',
    'an empty array': [],
    'an empty object': {},
    'an empty key': { '': [''] },
    'a string of brackets, commas and quotes': ']},{["\\"\\\\" , ',
    'control characters': range(0x20)
      .map((code) => String.fromCharCode(code))
      .join(''),
    'DEL and C1 controls': '\u007f\u0080\u0085\u009f',
    'every width of UTF-8': 'a\u00e9\u20ac\u{1f30c}\u{10ffff}',
    'line and paragraph separators': '\u2028\u2029',
    'a byte order mark': '\ufeff\ufeff',
    'noncharacters and the replacement character': '\uffff\ufffe\ufffd',
    'lone surrogates': ['\ud800', 'a\udc00', '\udfff\ud800'],
    'keys outside ASCII': { '\u{1f511}': 1, ключ: 2, '\ud800': 3 },
    'a key named __proto__': JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
    'all of these at once': [null, true, -1.5e-7, 'é', { a: [{ b: {} }, []] }],
  }
  for (const [name, value] of Object.entries(values)) {
    it(`carries ${name}, alone and beside others`, async () => {
      const [sender, receiver] = open()
      await sender.send(value)
      expect(await receiver.recv()).to.deep.equal(value)
      await Promise.all([sender.send('before'), sender.send(value), sender.send({ after: [] })])
      expect(await receiver.recv()).to.equal('before')
      expect(await receiver.recv()).to.deep.equal(value)
      expect(await receiver.recv()).to.deep.equal({ after: [] })
    })
  }

  it('delivers what JSON makes of a value', async () => {
    const [sender, receiver] = open()
    const value = {
      date: new Date(0),
      map: new Map([[1, 2]]),
      nan: Number.NaN,
      zero: -0,
      gone: undefined,
      holes: [undefined, () => 1],
      boxed: Object('text'),
    }
    await sender.send(value)
    expect(await receiver.recv()).to.deep.equal(JSON.parse(JSON.stringify(value)))
  })

  it('carries a message nested a thousand levels deep', async () => {
    const [sender, receiver] = open()
    const text = `${'[{"a":'.repeat(500)}[]${'}]'.repeat(500)}`
    await sender.send(JSON.parse(text))
    expect(JSON.stringify(await receiver.recv())).to.equal(text)
  })

  it('carries messages of every size up to 600 bytes', async () => {
    const [sender, receiver] = open<string>()
    for (const unit of ['a', 'é', '\u{1f30c}']) {
      const texts = range(600).map((index) => textOf(index + 2, unit))
      const sent = sender.sendAll(texts)
      for (const text of texts) expect(await receiver.recv()).to.equal(text)
      await sent
    }
  })

  const boundaries: [name: string, bytes: number][] = [
    ['16 KiB', 16 * KIB],
    ['64 KiB', 64 * KIB],
    ['a third of 256 KiB', (256 * KIB) / 3],
    ['the packet limit of 212,960 bytes', 212_960],
    ['256 KiB', 256 * KIB],
    ['1 MiB', MIB],
  ]
  for (const [name, boundary] of boundaries) {
    it(`carries messages around ${name}, whatever their characters`, async () => {
      const [sender, receiver] = open<string>()
      for (const unit of chosen(boundary > 64 * KIB ? 2 : 4, ['a', '\u{1f30c}', 'é', '€'])) {
        for (const bytes of range(24).map((index) => Math.floor(boundary) - 18 + index)) {
          const text = textOf(bytes, unit)
          const [received] = await Promise.all([receiver.recv(), sender.send(text)])
          expect(received === text, `${bytes} bytes of ${unit}`).to.equal(true)
        }
      }
    })
  }

  for (const [size, unit] of [
    [4, 'a'],
    [5, '\u{1f30c}'],
    [24, '€'],
    [64, 'a'],
  ] as const) {
    it(`carries ${size} MiB of "${unit}"`, async () => {
      const [sender, receiver] = open<string>()
      const text = textOf(size * MIB, unit)
      const [received] = await Promise.all([receiver.recv(), sender.send(text)])
      expect(received === text).to.equal(true)
    })
  }

  it('puts a message in one packet as long as it fits one', async () => {
    for (const unit of ['a', '€']) {
      const [sender, receiver] = open<string>()
      const longest = socket.longestPacket(sender.fd)
      for (const bytes of [100_000, longest - HEADER_BYTES]) {
        await sender.send(textOf(bytes, unit))
        expect(packetBytes(receiver), `${bytes} bytes of ${unit}`).to.equal(bytes + HEADER_BYTES)
      }
    }
  })

  it('writes a message as JSON before send returns', async () => {
    const [sender, receiver] = open<{ list: number[] }>()
    const message = { list: [1] }
    const sent = sender.send(message)
    message.list.push(2)
    await sent
    expect(await receiver.recv()).to.deep.equal({ list: [1] })
  })

  it('keeps the order of a sender, long messages among short ones', async () => {
    const [sender, receiver] = open<[number, string]>()
    const count = 3000
    const padding = (index: number) => 'p'.repeat(index % 500 === 7 ? 300_000 : index % 100)
    const sent = Promise.all(range(count).map((index) => sender.send([index, padding(index)])))
    for (let index = 0; index < count; index++) {
      const [number, text] = await receiver.recv()
      expect(number).to.equal(index)
      expect(text.length).to.equal(padding(index).length)
    }
    await sent
  })

  it('lets the sends of one tick share a packet', async () => {
    const [sender, receiver] = open<number>()
    await Promise.all(range(100).map((index) => sender.send(index)))
    for (const index of range(100)) expect(await receiver.recv()).to.equal(index)
    expect(sender.stats()).to.include({ messages: 100, packets: 1 })
    expect(receiver.stats()).to.include({ messages: 100, packets: 1 })
    await sender.send(100)
    await sender.send(101)
    expect(sender.stats()).to.include({ messages: 102, packets: 3 })
  })

  it('sends a message inside its call if it is alone in its tick as the two before it were, and shares packets again after that', async () => {
    const [sender, receiver] = open<number>()
    const sentInside = (index: number) => {
      void sender.send(index)
      return sender.stats().messages > index
    }
    for (const expected of [false, false, true, true]) {
      expect(sentInside(sender.stats().messages)).to.equal(expected)
      await turn()
    }
    const together = range(100).map((index) => sender.send(4 + index))
    expect(sender.stats()).to.include({ messages: 5, packets: 5 })
    await Promise.all(together)
    expect(sender.stats()).to.include({ messages: 104, packets: 6 })
    await Promise.all(range(100).map((index) => sender.send(104 + index)))
    expect(sender.stats()).to.include({ messages: 204, packets: 7 })
    for (const index of range(204)) expect(await receiver.recv()).to.equal(index)
  })

  for (const [length, perPacket, ofOneTick] of [
    // Once many messages of 8 Ki units have gathered in a tick, they go before it ends.
    [300, 104, 4],
    [5_000, 8, 1],
    [16_000, 3, 1],
    [40_000, 1, 1],
    [61_000, 1, 1],
    [65_536, 1, 1],
    [90_000, 1, 1],
  ] as const) {
    it(`puts ${perPacket} messages of ${length} characters into a packet`, async () => {
      const messages = range(2 * perPacket).map((index) => String(index).padEnd(length, '.'))
      const [sender, receiver] = open<string>()
      const sent = sender.sendAll(messages)
      for (const message of messages) expect(await receiver.recv()).to.equal(message)
      await sent
      expect(sender.stats().packets, 'of sendAll').to.equal(2)
      const sends = messages.slice(0, perPacket).map((message) => sender.send(message))
      for (let count = 0; count < perPacket; count++) await receiver.recv()
      await Promise.all(sends)
      // Fewer if the loop's budget was over: the rest then goes together, a turn later.
      expect(sender.stats().packets, 'with those of one tick').to.be.within(3, 2 + ofOneTick)
    })
  }

  it('puts exactly one message in a packet without coalescing', async () => {
    const [sender, receiver] = open<number>({ coalesce: false })
    await Promise.all(range(100).map((index) => sender.send(index)))
    expect(await sender.sendAll(range(50))).to.equal(50)
    for (const index of [...range(100), ...range(50)]) expect(await receiver.recv()).to.equal(index)
    expect(sender.stats()).to.include({ messages: 150, packets: 150 })
    expect(receiver.stats()).to.include({ messages: 150, packets: 150 })
  })

  const refused: Record<string, unknown> = {
    'options that are no object': 5,
    'options that are null': null,
    'a coalesce that is no boolean': { coalesce: 1 },
    'a null coalesce': { coalesce: null },
    'a schema that is none': { schema: {} },
    'a null schema': { schema: null },
    'a maxMessageBytes of 0': { maxMessageBytes: 0 },
    'a negative maxMessageBytes': { maxMessageBytes: -1 },
    'a fractional maxMessageBytes': { maxMessageBytes: 1.5 },
    'a maxMessageBytes that is NaN': { maxMessageBytes: Number.NaN },
    'an infinite maxMessageBytes': { maxMessageBytes: Number.POSITIVE_INFINITY },
    'a maxMessageBytes over 512 MiB': { maxMessageBytes: 512 * MIB + 1 },
    'a maxMessageBytes that is a string': { maxMessageBytes: '100' },
  }
  for (const [name, options] of Object.entries(refused)) {
    it(`refuses ${name}, and leaves a descriptor to its owner`, () => {
      throwsCode(() => channel(options as ChannelOptions), 'ERR_WORMHOLE_ARGUMENT')
      const [sender, receiver] = channel()
      const fds = [sender.detach(), receiver.detach()] as const
      throwsCode(() => Sender.fromFd(fds[0], options as ChannelOptions), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => Receiver.fromFd(fds[1], options as ChannelOptions), 'ERR_WORMHOLE_ARGUMENT')
      Sender.fromFd(fds[0]).close()
      Receiver.fromFd(fds[1]).close()
    })
  }

  it('takes options at their limits, and undefined for each', async () => {
    for (const maxMessageBytes of [1, 512 * MIB, undefined]) {
      const [sender, receiver] = open<number>({ maxMessageBytes, coalesce: undefined, schema: undefined })
      await sender.send(7)
      expect(await receiver.recv()).to.equal(7)
    }
  })
})

/** Takes one packet off the socket as it is; its bytes. */
function packetBytes(receiver: Receiver): number {
  const { length, fds } = socket.receive(receiver.fd, inbox, INBOX_BYTES)
  socket.closeAll(fds ?? [])
  return length
}
