import { Counter, Gauge, type Registry } from 'prom-client'
import type { EndpointStats } from 'wormhole-ipc'
import type { ChannelEnd } from './worker-process.js'

type Stat = keyof EndpointStats

/** What is exported of `stats()`. A further field is one more line here. */
const COUNTERS: readonly [stat: Stat, name: string, help: string][] = [
  ['messages', 'wormhole_messages_total', 'Messages that the end has sent or taken.'],
  ['bytes', 'wormhole_bytes_total', 'Bytes of their JSON.'],
  ['packets', 'wormhole_packets_total', 'Packets that the end has sent or read.'],
  ['fds', 'wormhole_descriptors_total', 'Descriptors that rode along.'],
  ['waits', 'wormhole_waits_total', 'How often the end had to wait for the other.'],
]
const GAUGES: typeof COUNTERS = [
  ['queued', 'wormhole_queued_messages', 'Messages that are pending (sender), or read and not yet taken (receiver).'],
]

/** All ends of one kind: those there are, and what those that are gone have done. */
interface Kind {
  labels: { channel: string; end: string }
  living: Set<ChannelEnd>
  gone: Map<Stat, number>
}

/**
 * Exports what ends of channels have done, summed by channel and end. Ends come and go with their workers: the
 * counters go on from where those that are gone have left them.
 */
export class ChannelMetrics {
  readonly #kinds = new Map<string, Kind>()

  constructor(registry: Registry) {
    const kinds = this.#kinds
    const common = { labelNames: ['channel', 'end'], registers: [registry] }
    // `collect` is called at each scrape.
    for (const [stat, name, help] of COUNTERS) {
      new Counter({
        ...common,
        name,
        help,
        collect() {
          this.reset()
          for (const kind of kinds.values()) this.inc(kind.labels, (kind.gone.get(stat) ?? 0) + sum(stat, kind.living))
        },
      })
    }
    for (const [stat, name, help] of GAUGES) {
      new Gauge({
        ...common,
        name,
        help,
        collect() {
          for (const kind of kinds.values()) this.set(kind.labels, sum(stat, kind.living))
        },
      })
    }
  }

  /** Counts these ends from now on. */
  add(ends: Iterable<ChannelEnd>): void {
    for (const end of ends) this.#kind(end).living.add(end)
  }

  /** These ends are gone; what they have done stays counted. */
  remove(ends: Iterable<ChannelEnd>): void {
    for (const end of ends) {
      const { living, gone } = this.#kind(end)
      living.delete(end)
      for (const [stat] of COUNTERS) gone.set(stat, (gone.get(stat) ?? 0) + sum(stat, [end]))
    }
  }

  #kind({ channel, end }: ChannelEnd): Kind {
    const key = `${channel} ${end}`
    const kind = this.#kinds.get(key) ?? { labels: { channel, end }, living: new Set(), gone: new Map() }
    this.#kinds.set(key, kind)
    return kind
  }
}

function sum(stat: Stat, ends: Iterable<ChannelEnd>): number {
  let total = 0
  for (const end of ends) total += end.stats()?.[stat] ?? 0
  return total
}
