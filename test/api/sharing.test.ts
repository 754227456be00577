import { expect } from 'chai'
import type { Receiver, Sender } from 'wormhole-ipc'
import { type Child, startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range, textOf } from '../helpers/fill.js'
import { chosen, sized } from '../helpers/long.js'

type Numbered = [name: string, index: number, filler: string]
type Taken = [name: string, index: number, length: number]

async function endsWell(children: readonly Child[]): Promise<void> {
  for (const child of children) {
    expect(await child.ended).to.deep.equal({ code: 0, signal: null, stdout: '', stderr: '' })
  }
}

/** Each name's indexes, in the order of arrival. */
function byName(messages: Iterable<readonly [string, number, unknown]>): Record<string, number[]> {
  const indexes: Record<string, number[]> = {}
  for (const [name, index] of messages) {
    indexes[name] ??= []
    indexes[name].push(index)
  }
  return indexes
}

const names = chosen(2, ['a', 'b', 'c'])

function eachOf(count: number): Record<string, number[]> {
  return Object.fromEntries(names.map((name) => [name, range(count)]))
}

describe('several senders of one channel', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  function produce(sender: Sender<Numbered>, count: number, fillers: number): Child[] {
    const children = names.map((name) => startNode('producer', [name, String(count), String(fillers)], [sender.fd]))
    sender.close()
    return children
  }

  it('keep the order of each, as clones', async () => {
    const [first, receiver] = open<Numbered>()
    const received = collect(receiver)
    const senders = [first, ...names.slice(1).map(() => keep(first.clone()))]
    await Promise.all(
      range(2000).map((index) =>
        Promise.all(senders.map((sender, number) => sender.send([names[number] as string, index, 'x'])))
      )
    )
    for (const sender of senders) sender.close()
    expect(byName(await received)).to.deep.equal(eachOf(2000))
  })

  it('keep the order of each, as processes', async () => {
    const [sender, receiver] = open<Numbered>()
    const children = produce(sender, 2000, 20)
    expect(byName(await collect(receiver))).to.deep.equal(eachOf(2000))
    await endsWell(children)
  })

  it('send large messages at once, each in one piece', async () => {
    const [sender, receiver] = open<Numbered>()
    const children = produce(sender, 20, 1_000_000)
    const received = await collect(receiver)
    for (const [, , filler] of received) expect(filler === 'f'.repeat(1_000_000)).to.equal(true)
    expect(byName(received)).to.deep.equal(eachOf(20))
    await endsWell(children)
  })

  it('end the channel only when the last one closes', async () => {
    const [first, receiver] = open<string>()
    const second = keep(first.clone())
    first.close()
    await second.send('still here')
    expect(await receiver.recv()).to.equal('still here')
    second.close()
    expect(await collect(receiver)).to.deep.equal([])
  })
})

describe('several receivers of one channel', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  interface Consumer {
    child: Child
    reports: Receiver<Taken[]>
  }

  /** Starts processes that share the receiver, and closes it here. */
  function consume(receiver: Receiver, count: number, max: number | '' = ''): Consumer[] {
    const consumers = range(count).map(() => {
      const [reporting, reports] = open<Taken[]>()
      const child = startNode('consumer', max === '' ? [] : [String(max)], [receiver.fd, reporting.fd])
      reporting.close()
      return { child, reports: reports as Receiver<Taken[]> }
    })
    receiver.close()
    return consumers
  }

  async function reportsOf(consumers: readonly Consumer[]): Promise<Taken[][]> {
    const lists = await Promise.all(consumers.map(({ reports }) => reports.recv()))
    await endsWell(consumers.map(({ child }) => child))
    return lists
  }

  const inOrder = (list: readonly number[]) => list.every((index, at) => at === 0 || index > (list[at - 1] as number))

  for (const [name, fillers, count, coalesce] of [
    ['one message a packet', 10, 3000, false],
    ['many messages a packet', 10, 10_000, true],
    ['large messages', 600_000, 40, true],
  ] as const) {
    it(`get each message exactly once, as processes: ${name}`, async () => {
      const [sender, receiver] = open<Numbered>({ coalesce })
      const consumers = consume(receiver, sized(2, 3))
      await sender.sendAll(range(count).map((index): Numbered => ['a', index, 'f'.repeat(fillers)]))
      sender.close()
      const lists = await reportsOf(consumers)
      const all = lists.flat()
      expect(all.every(([, , length]) => length === fillers)).to.equal(true)
      expect(all.map(([, index]) => index).sort((a, b) => a - b)).to.deep.equal(range(count))
      for (const list of lists) expect(inOrder(list.map(([, index]) => index))).to.equal(true)
    })
  }

  it('take no more than they ask for: each of four processes gets its two messages', async () => {
    const [sender, receiver] = open<Numbered>({ coalesce: false })
    for (const index of range(8)) await sender.send(['a', index, 'f'])
    const consumers = consume(receiver, 4, 2)
    const lists = await reportsOf(consumers)
    expect(lists.map((list) => list.length)).to.deep.equal([2, 2, 2, 2])
    const indexes = lists.flat().map(([, index]) => index)
    expect(indexes.sort((a, b) => a - b)).to.deep.equal(range(8))
  })

  it('share large messages with several sending processes', async () => {
    const [sender, receiver] = open<Numbered>()
    const producers = names.map((name) => startNode('producer', [name, '15', '800000'], [sender.fd]))
    sender.close()
    const lists = await reportsOf(consume(receiver, 2))
    await endsWell(producers)
    expect(lists.flat().every(([, , length]) => length === 800_000)).to.equal(true)
    const indexes = byName(lists.flat())
    for (const name of names) expect(indexes[name]?.sort((a, b) => a - b)).to.deep.equal(range(15))
    for (const list of lists) for (const own of Object.values(byName(list))) expect(inOrder(own)).to.equal(true)
  })

  it('do not hold large messages up by being idle', async () => {
    const [sender, receiver] = open<string>()
    const idle = keep(receiver.clone())
    const texts = range(20).map((index) => textOf(1_000_000 + index))
    const sent = Promise.all(texts.map((text) => sender.send(text)))
    for (const text of texts) expect((await receiver.recv()) === text).to.equal(true)
    await sent
    expect(idle.tryRecv()).to.equal(undefined)
    expect(idle.stats()).to.include({ messages: 0, packets: 0 })
  })

  it('in one process take turns by message, whatever its size', async () => {
    const [sender, first] = open<string>({ coalesce: false })
    const second = keep(first.clone())
    const texts = range(40).map((index) => textOf(index % 3 === 0 ? 400_000 : 10 + index))
    const sent = Promise.all(texts.map((text) => sender.send(text)))
    const lists = [collect(first), collect(second)]
    await sent
    sender.close()
    const received = (await Promise.all(lists)).flat()
    expect(received.sort()).to.deep.equal([...texts].sort())
  })
})
