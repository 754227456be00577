/** An item of a {@link NumberedSet}; it is in at most one, and keeps its number there. */
export interface Numbered<Self> {
  readonly id: number
  /** The next item of its slot. */
  alike: Self | null
}

const FIRST_SLOTS = 16

/**
 * Items by their numbers, which mostly ascend: each then has a slot of its own. A Map of items that come and go makes table
 * after table, of which each points to the next: those that die old keep all later ones, with their items, from the young
 * generation's collector. 100 calls under way took 1.3 times as long.
 */
export class NumberedSet<Item extends Numbered<Item>> {
  #slots: (Item | null)[] = emptySlots(FIRST_SLOTS)
  size = 0

  /** @param id of any type: it may be a peer's */
  get(id: unknown): Item | undefined {
    if (typeof id !== 'number') return undefined
    let item = this.#slots[this.#slotOf(id)] as Item | null
    while (item !== null && item.id !== id) item = item.alike
    return item ?? undefined
  }

  /** Removes and returns the item of that number. @param id of any type: it may be a peer's */
  take(id: unknown): Item | undefined {
    const item = this.get(id)
    if (item !== undefined) this.delete(item)
    return item
  }

  /** Adds an item whose number is not there. */
  add(item: Item): void {
    if (this.size === this.#slots.length) this.#grow()
    this.#put(item)
    this.size++
  }

  /** Returns false if the item is not there. */
  delete(item: Item): boolean {
    const slot = this.#slotOf(item.id)
    let before: Item | null = null
    let found = this.#slots[slot] as Item | null
    while (found !== null && found !== item) {
      before = found
      found = found.alike
    }
    if (found === null) return false
    if (before === null) this.#slots[slot] = item.alike
    else before.alike = item.alike
    item.alike = null
    this.size--
    return true
  }

  /** Returns all items, in the order of their numbers. */
  all(): Item[] {
    const all: Item[] = []
    for (const first of this.#slots) for (let item = first; item !== null; item = item.alike) all.push(item)
    return all.sort((one, other) => one.id - other.id)
  }

  #slotOf(id: number): number {
    return id & (this.#slots.length - 1)
  }

  #put(item: Item): void {
    const slot = this.#slotOf(item.id)
    item.alike = this.#slots[slot] as Item | null
    this.#slots[slot] = item
  }

  #grow(): void {
    const all = this.all()
    this.#slots = emptySlots(2 * this.#slots.length)
    for (const item of all) this.#put(item)
  }
}

function emptySlots<Item>(count: number): (Item | null)[] {
  return new Array<Item | null>(count).fill(null)
}
