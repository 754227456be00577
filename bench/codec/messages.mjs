// The messages of the comparison: the README's, and records of nested values with a few escapes, all ASCII; and the
// same records with names in Chinese, Japanese and German.

/** Bytes of JSON text in ASCII; each has its message. */
export const sizes = [45, 300, 4 * 1024, 64 * 1024]

/** Bytes of JSON text in UTF-8, of messages in many languages. */
export const wideSizes = [300, 4 * 1024]

const names = ['"', 'C:\\temp', 'line\n', 'plain', 'a longer name, [with] {marks}']
const wideNames = ['敏捷的棕色狐狸跳過了懶狗', 'Zoë Müller', '長い名前、[括弧] {付き}', 'plain', 'Größe: fünf Äpfel']

/** A message in ASCII whose JSON text takes this many bytes. */
export function message(bytes) {
  if (bytes === sizes[0]) return { a: 1776, b: 'hello world!', c: [5, 4, 3, 2, 1] }
  return records(bytes, names)
}

/** A message whose JSON text takes this many bytes in UTF-8, a good part of them not ASCII. */
export function wideMessage(bytes) {
  return records(bytes, wideNames)
}

function records(bytes, names) {
  const items = []
  while (length(items, '') <= bytes) items.push(item(items.length, names))
  items.pop()
  // In one piece, not out of the parts that repeat() leaves: those V8 writes in its slower way.
  const note = Buffer.alloc(bytes - length(items, ''), 'x').toString('latin1')
  return { items, note }
}

function length(items, note) {
  return Buffer.byteLength(JSON.stringify({ items, note }))
}

function item(index, names) {
  const name = names[index % names.length]
  return {
    id: index,
    name,
    tags: ['red', 'green'].slice(index % 3),
    at: { x: index / 8, y: 10 - index, on: index % 2 === 0 },
  }
}
