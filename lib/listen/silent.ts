import type { Connection } from './client.js'

/** Connections by the process that has made them, so that one process cannot take the places of others. */
export class ByProcess {
  readonly #groups = new Map<number, Set<Connection>>()
  size = 0

  add(connection: Connection): void {
    const group = this.#groups.get(connection.pid)
    if (group === undefined) this.#groups.set(connection.pid, new Set([connection]))
    else group.add(connection)
    this.size++
  }

  /** Returns whether it was there. */
  delete(connection: Connection): boolean {
    const group = this.#groups.get(connection.pid)
    if (group === undefined || !group.delete(connection)) return false
    if (group.size === 0) this.#groups.delete(connection.pid)
    this.size--
    return true
  }

  /** How many a process has. */
  of(pid: number): number {
    return this.#groups.get(pid)?.size ?? 0
  }

  /** Returns the first of a process that may have one more served. */
  first(may: (pid: number) => boolean): Connection | undefined {
    for (const [pid, group] of this.#groups) if (may(pid)) for (const connection of group) return connection
    return undefined
  }

  /** Returns the first of the process that has most. */
  firstOfMost(): Connection {
    let most = new Set<Connection>()
    for (const group of this.#groups.values()) if (group.size > most.size) most = group
    const [first] = most
    return first as Connection
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const group of [...this.#groups.values()]) yield* [...group]
  }
}
