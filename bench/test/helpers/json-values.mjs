/** Values that are easily got wrong. */
export const awkward = [
  '',
  '"',
  '\\',
  '\\"',
  '/',
  '\b\f\n\r\t',
  '\0\x1f',
  '\x7f',
  'é',
  '\u2028',
  '😀',
  '\uffff',
  [],
  {},
  [[]],
]
awkward.push({ '': {} }, { '"\\\n': [null, true, false] }, 0, 9, 10, 99, 100, 101, 12345, 2 ** 31, -1, -10)
awkward.push(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1, -0.1, 1e21, 1e300, 5e-324, 1.7976931348623157e308)

/** Values of every kind, the same each time: whole numbers of every length, fractions, strings, and objects of these. */
export function madeUp(count) {
  const values = []
  let state = 1776
  for (let index = 0; index < count; index++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    const number = state * 10 ** (index % 12)
    const text = String.fromCodePoint(state & 0x7ff, 0x1f600 + (index % 64)).repeat(index % 5)
    values.push([number, state / 2 ** 31, text, { [text]: [index, index / 10 ** (index % 30)] }][index % 4])
  }
  return values
}
