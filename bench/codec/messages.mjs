// The messages of the comparison: the README's, and records of nested values with a few escapes. All ASCII.

/** Bytes of JSON text; each has its message. */
export const sizes = [45, 300, 4 * 1024, 64 * 1024]

/** A message whose JSON text takes this many bytes. */
export function message(bytes) {
  if (bytes === sizes[0]) return { a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }
  const items = []
  while (length(items, '') <= bytes) items.push(item(items.length))
  items.pop()
  return { items, note: 'x'.repeat(bytes - length(items, '')) }
}

function length(items, note) {
  return JSON.stringify({ items, note }).length
}

function item(index) {
  const name = ['"', 'C:\\temp', 'line\n', 'plain', 'a longer name, [with] {marks}'][index % 5]
  return {
    id: index,
    name,
    tags: ['red', 'green'].slice(index % 3),
    at: { x: index / 8, y: 10 - index, on: index % 2 === 0 },
  }
}
