import { expect } from 'chai'
import { fixture, start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range } from '../helpers/fill.js'
import { measured } from '../helpers/measured.js'
import type { Ending } from '../helpers/outcome.js'
import { usesChildren } from '../helpers/uses-children.js'

const MIB = 2 ** 20

describe('a process that may have no more memory', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  const ROOM_MIB = 32
  const ENOUGH = 'enough'
  const LENGTH = 48 * MIB
  const short = { gave: 'short'.length }
  const refused = { code: 'ERR_WORMHOLE_TOO_LARGE' }
  const end = { code: 'ERR_WORMHOLE_DISCONNECTED' }

  it('fails a long message alone, and receives as long a one once it may have more', async () => {
    const [sender, receiver] = open<string>()
    const child = startNode('little-memory', [String(ROOM_MIB), ENOUGH], [receiver.fd])
    receiver.close()
    for (const text of ['begin', 'short']) await sender.send(text)
    await rejectsCode(sender.send('x'.repeat(LENGTH)), 'ERR_WORMHOLE_TRUNCATED')
    for (const text of ['short', ENOUGH, 'x'.repeat(LENGTH), 'short']) await sender.send(text)
    sender.close()
    expect(await measured<Ending[]>(child)).to.deep.equal([short, refused, short, { gave: LENGTH }, short, end])
  })

  it('is at the end of a byte stream in whose middle that happens, and its sender is told', async () => {
    const [sender, receiver] = openStream<string>()
    const child = startNode('little-memory', [String(ROOM_MIB), ENOUGH], [receiver.fd])
    receiver.close()
    for (const text of ['begin', 'short']) await sender.send(text)
    await rejectsCode(sender.send('x'.repeat(LENGTH)), 'ERR_WORMHOLE_DISCONNECTED')
    expect(await measured<Ending[]>(child)).to.deep.equal([short, refused, end])
  })
})

describe('a long text', () => {
  usesChildren()

  // Where JSON.stringify uses malloc(3); musl has no threshold, and ASan's allocator is another one.
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const mallocs = Number.parseInt(process.versions.v8, 10) >= 14 && header.glibcVersionRuntime !== undefined

  it('makes free(3) keep what JSON.stringify used, for the next one', async function () {
    if (!mallocs || process.env.LD_PRELOAD !== undefined) return this.skip()
    for (const [units, taken] of [
      [MIB, true],
      [1000, false],
    ] as const) {
      const { grew, block } = await measured<{ grew: number; block: number }>(startNode('long-texts', [String(units)]))
      expect(grew >= block, `${units} units: a block of ${block} bytes, the heap grew by ${grew}`).to.equal(taken)
    }
  })
})

describe("a process that dies of V8's heap limit", () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  const SMALL_HEAP = '--max-old-space-size=24'

  it('takes only the message with it that it was receiving: another receiver gets the next', async () => {
    const [sender, receiver] = open<[string, number, unknown]>()
    const [reporting, reports] = open()
    const other = keep(receiver.clone())
    const child = start(process.execPath, [SMALL_HEAP, fixture('consumer')], [receiver.fd, reporting.fd])
    receiver.close()
    reporting.close()
    await sender.send(['small', 1, ''])
    // V8 gives up sooner on many small objects than on a long string.
    const objects = range(1_500_000).map((n) => ({ n }))
    // Whether it has read all of it by then is the kernel's affair.
    const sent = sender.send(['large', 2, objects]).catch((error: unknown) => error)
    const { signal, stderr } = await child.ended
    expect([signal, /heap out of memory/.test(stderr)]).to.deep.equal(['SIGABRT', true])
    const error = await sent
    if (error !== undefined) expect(error).to.include({ code: 'ERR_WORMHOLE_TRUNCATED' })
    await sender.send(['next', 3, ''])
    expect(await other.recv()).to.deep.equal(['next', 3, ''])
    await rejectsCode(reports.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('leaves nothing half of what it could not send', async () => {
    const [sender, receiver] = open<unknown>()
    const mine = keep(sender.clone())
    const child = start(process.execPath, [SMALL_HEAP, fixture('big-message'), 'send', String(256 * MIB)], [sender.fd])
    sender.close()
    expect((await child.ended).signal).not.to.equal(null)
    await mine.send('mine')
    expect(await receiver.recv()).to.equal('small')
    expect(await receiver.recv()).to.equal('mine')
  })
})
