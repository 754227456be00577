import type { EndReport, Report } from '../top/report.js'

/** An end, and the thread that has it. */
export interface Place {
  readonly program: Report
  readonly end: EndReport
}

/** How long a channel must have been full, in milliseconds, before its sender counts as stuck. */
const STUCK_MS = 1000

/** Finds which end belongs to which, over all the programs that were asked. */
export class Places {
  readonly #byInode = new Map<number, Place[]>()
  readonly #peers = new Map<number, number>()
  readonly #programs: readonly Report[]

  constructor(programs: readonly Report[]) {
    this.#programs = programs
    for (const program of programs) {
      for (const end of program.ends) {
        const places = this.#byInode.get(end.inode) ?? []
        this.#byInode.set(end.inode, [...places, { program, end }])
        for (const [inode, peer] of [
          [end.inode, end.peer],
          [end.peer, end.inode],
        ] as const) {
          if (inode !== 0 && peer !== 0) this.#peers.set(inode, peer)
        }
      }
    }
  }

  /** Returns the other ends of an end's channel that are known: several if it was cloned. */
  others({ inode }: EndReport): readonly Place[] {
    return this.#byInode.get(this.#peers.get(inode) ?? 0) ?? []
  }

  /**
   * Returns the programs that wait for each other for ever: each has a sender that has been stuck in a full channel, and
   * every program that could read that channel is one of them, and does not.
   */
  deadlocked(): Report[] {
    let stuck = new Set(this.#programs)
    for (let before = -1; before !== stuck.size; ) {
      before = stuck.size
      stuck = new Set([...stuck].filter((program) => program.ends.some((end) => this.#starves(end, stuck))))
    }
    return [...stuck]
  }

  #starves(end: EndReport, stuck: ReadonlySet<Report>): boolean {
    if (!isFull(end) || end.waiting < STUCK_MS) return false
    const readers = this.others(end)
    return readers.length > 0 && readers.every(({ program, end }) => stuck.has(program) && end.waiting < 0)
  }
}

/** Whether an end is a sender that waits for room. */
export function isFull({ name, waiting }: EndReport): boolean {
  return name === 'Sender' && waiting >= 0
}
