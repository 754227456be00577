/** An item of a {@link List}; an item stands in one list at most. */
export abstract class ListItem<Self extends ListItem<Self>> {
  previous: Self | null = null
  next: Self | null = null
  list: List<Self> | null = null
}

/** A first-in, first-out list from whose middle an item can leave at once. */
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

  shift(): Item | null {
    const item = this.first
    if (item !== null) this.remove(item)
    return item
  }

  /** From the first item on; the one in hand may leave the list. */
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
