import { expect } from 'chai'
import { type Numbered, NumberedSet } from '#lib/core/numbered'
import { SEED } from '../helpers/long.js'
import { Random } from '../helpers/random.js'

class Item implements Numbered<Item> {
  alike: Item | null = null

  constructor(readonly id: number) {}
}

describe('items by their numbers', () => {
  it('are found as in a Map, whichever come and go', () => {
    const random = new Random(SEED)
    const set = new NumberedSet<Item>()
    const map = new Map<number, Item>()
    const removed: Item[] = []
    for (let step = 0, id = 0; step < 20_000; step++) {
      // Waves: many under way, then few; and numbers that share a slot with others.
      const grows = random.below(100) < (step % 2000 < 1000 ? 70 : 30)
      if (grows) {
        id += random.below(4) === 0 ? 1024 : 1
        const item = new Item(id)
        set.add(item)
        map.set(id, item)
      } else if (map.size > 0) {
        const item = random.pick([...map.values()])
        expect(set.delete(item)).to.equal(true)
        map.delete(item.id)
        removed.push(item)
      }
      expect(set.size).to.equal(map.size)
      const some = removed[removed.length - 1]?.id ?? 1
      for (const each of [id, some, random.below(id + 1)]) expect(set.get(each)).to.equal(map.get(each))
    }
    expect(set.all()).to.deep.equal([...map.values()].sort((one, other) => one.id - other.id))
    for (const item of removed) expect([set.delete(item), item.alike]).to.deep.equal([false, null])
  })

  it('are not found by what is no number of theirs', () => {
    const set = new NumberedSet<Item>()
    set.add(new Item(1))
    for (const id of [
      undefined,
      null,
      '1',
      1.5,
      -1,
      17,
      Number.NaN,
      2 ** 40 + 1,
      { valueOf: 1, toString: 1 },
      [1],
      true,
    ]) {
      expect(set.get(id), String(typeof id)).to.equal(undefined)
    }
  })
})
