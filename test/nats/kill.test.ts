import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { natsSender } from 'wormhole-ipc/nats'
import { type Child, startNode } from '../helpers/child.js'
import { LONG, MAX_MS, SEED, sized } from '../helpers/long.js'
import { needsServer, TestServer } from '../helpers/nats.js'
import { Random } from '../helpers/random.js'
import { until } from '../helpers/until.js'

const MESSAGES = sized(3000, 100_000)
const KILLS = sized(6, 60)
const CONSUMERS = 3
const PRODUCERS = 2
const LEASE_MS = sized(2000, 5000)
const NAME = 'killed'
/** What a record has, as the programs write them. */
const RECORD_BYTES = 16
/** Messages of a packet at most. */
const PACKET = 96

/** A program that is started again when it was killed, each time with a ledger of its own. */
class Actor {
  readonly ledgers: string[] = []
  #child: Child | undefined

  constructor(
    readonly server: TestServer,
    readonly program: 'nats-producer' | 'nats-consumer',
    readonly place: number
  ) {}

  start(): void {
    const run = this.ledgers.length
    const ledger = join(this.server.folder, `${this.program}-${this.place}-${run}`)
    this.ledgers.push(ledger)
    const third =
      this.program === 'nats-consumer' ? String(LEASE_MS) : `p${this.place}r${String(run).padStart(2, '0')}.`
    this.#child = startNode(this.program, [this.server.url, NAME, third, ledger])
  }

  async kill(): Promise<void> {
    this.#child?.process.kill('SIGKILL')
    const { stderr } = (await this.#child?.ended) ?? {}
    expect(stderr).to.equal('')
  }

  get records(): number {
    return this.ledgers.reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size / RECORD_BYTES : 0), 0)
  }

  read(): string[] {
    return this.ledgers.flatMap((file) => (existsSync(file) ? (readFileSync(file, 'utf8').match(/.+\n/g) ?? []) : []))
  }
}

describe('a remote channel whose processes are killed', function () {
  this.timeout(MAX_MS)
  let server: TestServer
  before(async function () {
    needsServer(this)
    server = await new TestServer().start()
  })
  after(() => server?.stop())

  it(`loses nothing that was acknowledged, of ${MESSAGES.toLocaleString('en')} messages`, async () => {
    const random = new Random(SEED)
    await natsSender(await server.connect(), NAME, { capacity: 200 })
    const consumers = Array.from({ length: CONSUMERS }, (_, place) => new Actor(server, 'nats-consumer', place))
    const producers = Array.from({ length: PRODUCERS }, (_, place) => new Actor(server, 'nats-producer', place))
    const kills = { consumers: 0, producers: 0, server: 0 }
    const received = () => consumers.reduce((sum, { records }) => sum + records, 0)
    try {
      for (const actor of [...consumers, ...producers]) actor.start()
      for (let kill = 1; kill <= KILLS; kill++) {
        const enough = (kill * MESSAGES) / (KILLS + 1)
        await until(`${enough} messages have come`, () => received() >= enough)
        const kind = (['consumers', 'producers', 'server'] as const)[kill % 3] as keyof typeof kills
        const victim = { consumers: random.pick(consumers), producers: random.pick(producers), server }[kind]
        await victim.kill()
        await victim.start()
        kills[kind]++
      }
      await until('all have come', () => received() >= MESSAGES)
      for (const producer of producers) await producer.kill()
      const acknowledged = producers.flatMap((producer) => producer.read())
      const missing = () => {
        const came = new Set(consumers.flatMap((consumer) => consumer.read()))
        return acknowledged.filter((record) => !came.has(record))
      }
      let looks = 0
      await until('what was acknowledged has come', () => ++looks % 100 === 0 && missing().length === 0)
      const all = consumers.flatMap((consumer) => consumer.read())
      const twice = all.length - new Set(all).size
      console.log(
        `    ${acknowledged.length} acknowledged, ${all.length} received, 0 lost, ${twice} twice; killed: ${JSON.stringify(kills)}`
      )
      // A packet comes again if its receiver dies, or if the server does before it has written the acknowledgement.
      expect(twice).to.be.at.most(PACKET * (kills.consumers + CONSUMERS * kills.server))
      if (LONG) expect(twice / all.length).to.be.lessThan(0.01)
    } finally {
      await Promise.all([...consumers, ...producers].map((actor) => actor.kill()))
    }
  })
})
