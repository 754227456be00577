import { List } from '../core/list.js'
import type { Entry } from './send-request.js'

/** What a sender has yet to hand to the kernel, in order. */
export class Backlog extends List<Entry> {
  /** UTF-16 units of text, placeholders included. */
  units = 0

  get messages(): number {
    let count = 0
    for (let entry = this.first; entry !== null; entry = entry.next) count += entry.count
    return count
  }

  override push(entry: Entry): void {
    super.push(entry)
    this.units += entry.batch.length
  }

  override remove(entry: Entry): void {
    if (entry.list !== this) return
    this.units -= entry.batch.length
    super.remove(entry)
  }

  /** The packet limit may have changed: decides anew whether a single message is too long. */
  resize(entry: Entry, longest: number): void {
    if (entry.sizedFor === longest) return
    this.units -= entry.batch.length
    entry.resize(longest)
    this.units += entry.batch.length
  }

  /** The first messages of an entry's batch are through. */
  shorten(entry: Entry, units: number, messages: number): void {
    entry.batch = entry.batch.slice(units)
    entry.count -= messages
    this.units -= units
  }
}
