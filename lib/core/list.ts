/** An item of a {@link List}; it is in at most one list. */
export abstract class ListItem<Self extends ListItem<Self>> {
  previous: Self | null = null
  next: Self | null = null
  list: List<Self> | null = null
}

/** A first-in, first-out list that removes an item from its middle in constant time. */
export class List<Item extends ListItem<Item>> {
  first: Item | null = null
  last: Item | null = null
  size = 0

  push(item: Item): void {
    item.list = this
    item.previous = this.last
    if (this.last === null) this.first = item
    else this.last.next = item
    this.last = item
    this.size++
  }

  /** Puts an item before all the others. */
  unshift(item: Item): void {
    item.list = this
    item.next = this.first
    if (this.first === null) this.last = item
    else this.first.previous = item
    this.first = item
    this.size++
  }

  shift(): Item | null {
    const item = this.first
    if (item !== null) this.remove(item)
    return item
  }

  /** Yields the items in order; the current one may be removed. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.first, next: Item | null; item !== null; item = next) {
      next = item.next
      yield item
    }
  }

  remove(item: Item): void {
    if (item.list !== this) return
    if (item.previous === null) this.first = item.next
    else item.previous.next = item.next
    if (item.next === null) this.last = item.previous
    else item.next.previous = item.previous
    item.previous = null
    item.next = null
    item.list = null
    this.size--
  }
}

/** An item of a {@link Heap}, which orders by `rank`, lowest first; it must not change while the item is in the heap. */
interface Ranked {
  rank: number
}

/** A binary heap: its first item has the lowest rank. */
export class Heap<Item extends Ranked> {
  readonly #items: Item[] = []

  get first(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    const items = this.#items
    let at = items.length
    for (let parent = (at - 1) >> 1; at > 0 && rankAt(items, parent) > item.rank; parent = (at - 1) >> 1) {
      items[at] = items[parent] as Item
      at = parent
    }
    items[at] = item
  }

  shift(): Item | undefined {
    const items = this.#items
    const first = items[0]
    const item = items.pop()
    if (first === undefined || item === undefined || items.length === 0) return first
    let at = 0
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && rankAt(items, child + 1) < rankAt(items, child)) child++
      if (rankAt(items, child) >= item.rank) break
      items[at] = items[child] as Item
      at = child
    }
    items[at] = item
    return first
  }

  clear(): void {
    this.#items.length = 0
  }
}

function rankAt(items: readonly Ranked[], at: number): number {
  return (items[at] as Ranked).rank
}
