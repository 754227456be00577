import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { tally } from '../helpers/tally.js'
import { lanes } from '../soak/lanes.js'
import { judge, type Line } from '../soak/ledger.js'
import { type Incarnation, logOf, type Manifest, readManifest } from '../soak/manifest.js'
import { MAX_GROWTH_KIB, MIN_SECONDS, type Sample, slopeOf } from '../soak/memory.js'
import { bytesOf, type Entry, kinds, readLog } from '../soak/record.js'
import { run } from '../soak/run.js'

/** Enough for each lane to get to work, on a slow machine in no more than so long. */
const MESSAGES = 10_000
const MESSAGES_OF_EACH = 500
const SECONDS = 120
const SEED = 1
/** A number that no sender comes to in that time. */
const BEYOND = 10_000_000
const names = ['survivors', 'one a packet', 'stream']

function entriesIn(log: string): Entry[] {
  const entries: Entry[] = []
  readLog(log, (entry) => entries.push(entry))
  return entries
}

describe('the ledger of a soak', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wormhole-ledger-'))
  const changed = join(folder, 'changed')
  const original = join(folder, 'original')
  let manifest: Manifest

  before(async function () {
    this.timeout(4 * SECONDS * 1000)
    mkdirSync(original)
    const chosen = lanes.filter(({ name }) => names.includes(name))
    const options = {
      folder: original,
      lanes: chosen,
      seed: SEED,
      messages: MESSAGES,
      messagesOfEach: MESSAGES_OF_EACH,
      seconds: SECONDS,
    }
    const { failures } = await run({ ...options, progress: () => undefined })
    expect(failures).to.deep.equal([])
    manifest = readManifest(original)
  })
  after(() => rmSync(folder, { recursive: true }))

  const receivers = (lane: string) =>
    manifest.incarnations.filter((about) => about.lane === lane && 'receive' in about.does)

  /** An actor of a lane that was not killed and has at least so many records of a kind. */
  function someone(lane: string, kind: number, min: number): Incarnation {
    const found = manifest.incarnations.find((about) => {
      if (about.lane !== lane || about.killed) return false
      return entriesIn(logOf(original, about.id)).filter((entry) => entry.kind === kind).length >= min
    })
    expect(found, `an actor of ${lane} with ${min} records of kind ${kind}`).not.to.equal(undefined)
    return found!
  }

  /** The ledger of the run's logs, with the one log rewritten. */
  function rewritten(id: number, rewrite: (entries: Entry[]) => Entry[]): Map<string, Line> {
    rmSync(changed, { recursive: true, force: true })
    cpSync(original, changed, { recursive: true })
    writeFileSync(logOf(changed, id), Buffer.concat(rewrite(entriesIn(logOf(original, id))).map(bytesOf)))
    return judge(changed, manifest)
  }

  function breaksOf(lane: string, ledger: Map<string, Line>): Record<string, number> {
    for (const [name, { breaks }] of ledger) if (name !== lane) expect(breaks, name).to.deep.equal([])
    return tally(ledger.get(lane)!.breaks.map(({ what }) => what))
  }

  /** Where a log has its `n`-th record of a kind. */
  const nth = (entries: Entry[], kind: number, n: number) =>
    entries.map((entry, at) => ({ entry, at })).filter(({ entry }) => entry.kind === kind)[n]!.at

  it('finds nothing wrong with the logs as they are, and messages in all of them', () => {
    for (const [lane, { breaks, resolved, received }] of judge(original, manifest)) {
      expect(breaks, lane).to.deep.equal([])
      expect(resolved, lane).to.be.above(0)
      expect(received, lane).to.be.above(0)
    }
  })

  /** The ledger without a receiver's sixth record, and how many messages that was. */
  function withoutOne(id: number, place = 5): { ledger: Map<string, Line>; lost: number } {
    let lost = 0
    const ledger = rewritten(id, (entries) => {
      const at = nth(entries, kinds.received, place)
      lost = entries[at]!.count
      return entries.toSpliced(at, 1)
    })
    return { ledger, lost }
  }

  it('tells what is lost: a record that is not there', () => {
    const { ledger, lost } = withoutOne(someone('survivors', kinds.received, 10).id)
    expect(breaksOf('survivors', ledger)).to.deep.equal({ lost })
  })

  it('tells what came twice: a record that is there again', () => {
    const { id } = someone('survivors', kinds.received, 10)
    let count = 0
    const ledger = rewritten(id, (entries) => {
      const at = nth(entries, kinds.received, 5)
      count = entries[at]!.count
      return entries.toSpliced(at, 0, entries[at]!)
    })
    expect(breaksOf('survivors', ledger)).to.include({ twice: count })
  })

  it('tells what was torn: a checksum with one bit turned', () => {
    const { id } = someone('survivors', kinds.received, 10)
    const ledger = rewritten(id, (entries) => {
      const at = nth(entries, kinds.received, 5)
      const entry = entries[at]!
      return entries.with(at, { ...entry, check: (entry.check ^ 1) >>> 0 })
    })
    expect(breaksOf('survivors', ledger)).to.deep.equal({ torn: 1 })
  })

  it('tells what is out of its sender’s order: two records in each other’s place', () => {
    const { id } = someone('one a packet', kinds.received, 10)
    const ledger = rewritten(id, (entries) => {
      const first = nth(entries, kinds.received, 5)
      const { from } = entries[first]!
      const second = entries.findIndex(
        (entry, at) => at > first && entry.kind === kinds.received && entry.from === from
      )
      return entries.with(first, entries[second]!).with(second, entries[first]!)
    })
    expect(breaksOf('one a packet', ledger)).to.have.property('out of order').that.is.above(0)
  })

  it('tells what nobody has sent: a sender without its records', () => {
    const { id } = someone('survivors', kinds.intent, 2)
    const ledger = rewritten(id, (entries) => entries.filter(({ kind }) => kind !== kinds.intent))
    expect(breaksOf('survivors', ledger)).to.have.property('never sent').that.is.above(0)
  })

  it('excuses one packet for each receiver that was killed, and no more', () => {
    const { id } = someone('one a packet', kinds.received, 50)
    const kills = receivers('one a packet').filter(({ killed }) => killed).length
    const ledger = rewritten(id, (entries) => {
      let removed = 0
      return entries.filter(({ kind }) => kind !== kinds.received || removed++ > kills)
    })
    expect(breaksOf('one a packet', ledger)).to.have.property('lost').that.is.above(0)
  })

  it('excuses on a byte stream only what is behind the last message of a receiver that was killed', () => {
    const received = ({ id }: Incarnation) =>
      entriesIn(logOf(original, id)).filter(({ kind }) => kind === kinds.received).length
    // On a busy machine each may be killed after a few: the one with most, and of that not the last.
    const [about] = receivers('stream').sort((a, b) => received(b) - received(a))
    const last = received(about!) - 1
    expect(last, 'records before the last').to.be.above(0)
    // An excuse that was another loss's may go to this one: then that one stands, of as many messages as it has.
    const breaks = breaksOf('stream', withoutOne(about!.id, Math.min(5, last - 1)).ledger)
    expect(Object.keys(breaks)).to.deep.equal(['lost'])
    expect(breaks).to.have.property('lost').that.is.above(0)
  })

  it('tells who did not come to the end, though nobody had killed it', () => {
    const sender = someone('survivors', kinds.intent, 1)
    const receiver = someone('survivors', kinds.received, 1)
    for (const [{ id }, what] of [
      [sender, 'sender did not end'],
      [receiver, 'receiver did not end'],
    ] as const) {
      const ledger = rewritten(id, (entries) => entries.filter(({ kind }) => kind !== kinds.end))
      expect(breaksOf('survivors', ledger)).to.deep.equal({ [what]: 1 })
    }
  })

  it('tells of sends of which nothing was heard, though nobody had killed their sender', () => {
    const { id } = someone('survivors', kinds.resolved, 10)
    const ledger = rewritten(id, (entries) => [
      ...entries,
      { ...entries[0]!, kind: kinds.intent, first: BEYOND, count: 1 },
    ])
    expect(breaksOf('survivors', ledger)).to.deep.equal({ 'never settled': 1 })
  })

  it('tells of a message that broke off, though nobody had killed a sender', () => {
    const { id } = someone('survivors', kinds.received, 1)
    const ledger = rewritten(id, (entries) => [...entries, { ...entries[0]!, kind: kinds.broken }])
    expect(breaksOf('survivors', ledger)).to.deep.equal({ 'broke off though its sender lived': 1 })
  })
})

describe('the slope of memory', () => {
  const samples = (kibPerSecond: number): Sample[] =>
    Array.from({ length: 4 * MIN_SECONDS }, (_, second) => [
      second * 1000,
      // Up and down by 10 MiB, as a heap is between two collections, and up by 50 MiB in the beginning.
      60_000 + kibPerSecond * second + 1024 * (second % 11) + Math.min(second, 50) * 1024,
    ])

  it('is flat where memory goes up and down', () => {
    expect(slopeOf(samples(0))!.grownKib).to.be.within(-2048, 2048)
  })

  it('is not where something leaks beneath that', () => {
    const { grownKib, seconds } = slopeOf(samples(256))!
    expect(grownKib).to.be.above(MAX_GROWTH_KIB)
    expect(grownKib).to.be.within(256 * seconds - 2048, 256 * seconds + 2048)
  })

  it('is not judged by a short life', () => {
    expect(slopeOf(samples(0).slice(0, MIN_SECONDS))).to.equal(undefined)
  })
})
