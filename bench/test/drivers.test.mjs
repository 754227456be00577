import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { deferred } from '../deferred.mjs'
import { measure as measureBytes } from '../measures/bytes.mjs'
import { measure as measureDescriptors } from '../measures/descriptors.mjs'
import { arrivals } from '../measures/reports.mjs'
import { kind, messages, order } from '../messages.mjs'
import { loadDriver, peerNames } from '../peers/load.mjs'
import { stopChildren } from '../peers/shared/children.mjs'
import { skipUnavailable } from './helpers/skip-unavailable.mjs'

const LARGE = 3 * 1024 * 1024
const CHILD = fileURLToPath(new URL('../child.mjs', import.meta.url))

/** What JSON can carry, one of each trouble, and a hundred that nobody chose. */
function varied(maxBytes = LARGE) {
  const values = [
    '',
    'delimiters of others: \n \r\n \f \0 \u2028 "quoted" \\ {"a":1},{"b":2}',
    'žluťoučký кот 春眠 🦊🏳️‍🌈 \ud800',
    0.1,
    -1e300,
    Number.MAX_SAFE_INTEGER,
    true,
    null,
    {},
    [],
    [[[[[[{ deep: [{ er: [null, [], {}] }] }]]]]]],
    { '': { 'a b': 1, 'é🦊': [1, 'two', false] } },
    'x'.repeat(Math.min(LARGE, maxBytes - 100)),
    '🦊'.repeat(Math.min(LARGE, maxBytes - 100) / 4),
    ...fc.sample(fc.jsonValue({ maxDepth: 4 }), { numRuns: 100, seed: 1776 }),
  ]
  return values.map((value, index) => ({ index, value }))
}

for (const peer of peerNames()) {
  const driver = await loadDriver(peer)
  if (driver.start === undefined) continue

  describe(`the driver ${peer}`, () => {
    before(skipUnavailable(driver))

    afterEach(stopChildren)

    async function start(role, children = 1, more = {}) {
      const job = { peer, role, bytes: 45, ...more }
      return driver.start([CHILD, JSON.stringify(job)], children, job)
    }

    it('delivers every message unchanged and in order, there and back', async () => {
      const sent = varied(driver.maxBytes)
      const link = await start('mirror', 1, { bytes: LARGE })
      const received = []
      const all = deferred()
      link.receive((message) => {
        if (received.push(message) === sent.length) all.resolve()
      })
      await link.sendAll(sent)
      await link.send(order('mirror'))
      await all.promise
      await link.close()
      expect(received).to.deep.equal(sent)
    })

    it('delivers a long stream, by its count and its weight', async () => {
      const what = kind(45)
      const link = await start('sink')
      const arrived = arrivals(link)
      await link.sendAll(messages(what, 20_000))
      await arrived(20_000, 20_000 * what.weigh(what.make()))
      await link.close()
    })

    if (driver.does.includes('link')) {
      it('shares a stream among three children, each message to one of them', async () => {
        const what = kind(45)
        const link = await start('sink', 3)
        const arrived = arrivals(link, 3)
        await link.sendAll(messages(what, 5000))
        await arrived(5000, 5000 * what.weigh(what.make()))
        await link.close()
      })

      it('brings an awaited message to a child that echoes it', async () => {
        const link = await start('echo')
        const echoed = new Promise((resolve) => link.receive(resolve))
        await link.send({ value: 'there and back' })
        expect(await echoed).to.deep.equal({ value: 'there and back' })
        await link.close()
      })
    }

    if (driver.does.includes('sync')) {
      it('brings a message there and back with the blocking calls', async () => {
        const link = await start('echo-sync')
        link.sendSync({ value: 'there and back' })
        expect(link.recvSync()).to.deep.equal({ value: 'there and back' })
        await link.close()
      })
    }

    if (driver.does.includes('descriptors')) {
      it('brings a descriptor with each message', async () => {
        const job = { peer, role: 'handles', seconds: 0.001 }
        const figures = await measureDescriptors(driver, { ...job, argv: [CHILD, JSON.stringify(job)] })
        expect(figures.count).to.be.greaterThan(0)
      })
    }

    if (driver.does.includes('bytes')) {
      it('brings the bytes of a Buffer, and lets the sender keep it', async () => {
        const job = { peer, role: 'bytes', bytes: 100_000, seconds: 0.001 }
        const figures = await measureBytes(driver, { ...job, argv: [CHILD, JSON.stringify(job)] })
        expect(figures.count).to.be.at.least(5)
      })
    }

    if (driver.does.includes('pair')) {
      it('makes pairs in one process that carry a message each', async () => {
        const pairs = [await driver.pair(), await driver.pair()]
        for (const [index, pair] of pairs.entries()) await pair.send({ index })
        expect(await Promise.all(pairs.map((pair) => pair.recv()))).to.deep.equal([{ index: 0 }, { index: 1 }])
        for (const pair of pairs) pair.close()
      })
    }
  })
}

describe('the count of arrivals', () => {
  afterEach(stopChildren)

  it('refuses messages that are not what was sent', async () => {
    const driver = await loadDriver('ndjson')
    const job = { peer: 'ndjson', role: 'sink', bytes: 45 }
    const link = await driver.start([CHILD, JSON.stringify(job)], 1, job)
    const arrived = arrivals(link)
    await link.sendAll(messages(kind(45), 10))
    const error = await arrived(10, 1).catch((reason) => reason)
    expect(error)
      .to.be.an('error')
      .with.property('message')
      .that.matches(/10 messages of weight 1 were sent/)
    await link.close()
  })
})
