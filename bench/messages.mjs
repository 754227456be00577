// The messages that the workloads send, and how a receiver proves that it has each one whole.

/**
 * @typedef {object} Kind
 * @property {() => object} make a fresh message, as a program would build one
 * @property {(message: any) => number} weigh reads into a received message, so that nothing is skipped; the sum is checked
 */

const WORDS = 'the quick brown fox "jumps" over a lazy dog while five boxing wizards wait; '
const UNICODE_WORDS = 'Zwölf Boxkämpfer jagen Viktor; съешь же ещё этих булок; 春眠不覚暁; 🦊 "ça va?" '

/** The README's message: 45 bytes of JSON. */
const small = {
  make: () => ({ a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }),
  weigh: (message) => message.b.length + message.c.length,
}

const smallUnicode = {
  make: () => ({ a: 1776, b: 'жду привет 🌍', c: [5, 4, 3, 2, 1] }),
  weigh: small.weigh,
}

const record = nested({
  name: 'Ada Lovelace',
  city: 'London',
  note: 'ring twice, then the neighbour; the parcel must not stay outside.',
})
const recordUnicode = nested({ name: 'Łucja Żółkoś', city: 'Kraków', note: 'звонить, сосед 隣; не бросать (7кв)' })

/** A nested record of 300 bytes of JSON. */
function nested({ name, city, note }) {
  return {
    make: () => ({
      id: 90210,
      customer: { name, address: { city, zip: 'SW1Y 4JH' }, vip: true },
      items: [
        { sku: 'AX-1093', count: 2, price: 19.99 },
        { sku: 'BT-2204', count: 1, price: 240.5 },
      ],
      tags: ['gift'],
      note,
      paid: null,
    }),
    weigh: (message) => message.customer.address.city.length + message.items[1].count + message.tags.length,
  }
}

/** One long text in a small object, `bytes` bytes of JSON in all. */
function text(bytes, words) {
  const room = bytes - Buffer.byteLength(JSON.stringify({ id: 1776, text: '' }))
  const one = Buffer.byteLength(JSON.stringify(words)) - 2
  let body = words.repeat(Math.floor(room / one))
  body += 'x'.repeat(room - one * Math.floor(room / one))
  body = Buffer.from(body).toString() // one flat string, not a rope that the first use would flatten
  return { make: () => ({ id: 1776, text: body }), weigh: (message) => message.text.length }
}

/**
 * @param {number} bytes as the workload's name has it; 45 and 300 are the small messages, all else is one long text
 * @param {boolean} [unicode] whether it has characters beyond ASCII
 * @returns {Kind}
 */
export function kind(bytes, unicode = false) {
  if (bytes === 45) return unicode ? smallUnicode : small
  if (bytes === 300) return unicode ? recordUnicode : record
  return text(bytes, unicode ? UNICODE_WORDS : WORDS)
}

/** @returns {Generator<object>} `count` fresh messages */
export function* messages({ make }, count) {
  for (let index = 0; index < count; index++) yield make()
}

/** A message of the harness to the child, never one of a workload. */
export function order(name, more) {
  return { bench: name, ...more }
}
