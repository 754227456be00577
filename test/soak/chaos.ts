import { turn } from '../helpers/fill.js'
import type { Random } from '../helpers/random.js'
import type { Running, Troupe } from './troupe.js'

/** Milliseconds between two blows. */
const MIN_GAP_MS = 20
const GAP_SPREAD_MS = 320
/** Milliseconds that a process is stopped for, at most. */
const MAX_STOP_MS = 300

/** Kills, stops and continues actors at random. */
export class Chaos {
  readonly #troupe: Troupe
  readonly #random: Random
  readonly #stopped = new Map<Running, NodeJS.Timeout>()
  readonly #dying = new Set<Promise<void>>()
  #next: NodeJS.Timeout | undefined
  stops = 0

  constructor(troupe: Troupe, random: Random) {
    this.#troupe = troupe
    this.#random = random
    this.#wait()
  }

  /** No more of it: who is stopped goes on. Resolves once who is killed is gone and has been replaced. */
  async end(): Promise<void> {
    clearTimeout(this.#next)
    for (const running of [...this.#stopped.keys()]) this.#continue(running)
    await Promise.all(this.#dying)
    await turn()
  }

  #wait(): void {
    this.#next = setTimeout(() => {
      this.#strike()
      this.#wait()
    }, MIN_GAP_MS + this.#random.below(GAP_SPREAD_MS))
  }

  #strike(): void {
    const victims = [...this.#troupe.running]
    if (victims.length === 0) return
    const victim = this.#random.pick(victims)
    const stopMs = this.#random.below(MAX_STOP_MS)
    if (victim.mortal && (victim.signal === null || this.#random.oneIn(2))) {
      if (victim.kill()) this.#dies(victim.ended)
    } else if (victim.signal !== null && !this.#stopped.has(victim)) {
      victim.signal('SIGSTOP')
      this.stops++
      this.#stopped.set(
        victim,
        setTimeout(() => this.#continue(victim), stopMs)
      )
    }
  }

  #dies(ended: Promise<void>): void {
    this.#dying.add(ended)
    void ended.then(() => this.#dying.delete(ended))
  }

  #continue(victim: Running): void {
    clearTimeout(this.#stopped.get(victim))
    this.#stopped.delete(victim)
    victim.signal?.('SIGCONT')
  }
}
