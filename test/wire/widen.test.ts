import { expect } from 'chai'
import { view } from '#lib/os/memory'
import { Batch } from '#lib/receive/batch'
import { inbox, readFrames } from '#lib/wire/inbox'
import { wasm } from '#lib/wire/wasm'
import { Random } from '../helpers/random.js'
import { frame } from '../helpers/reference-framer.js'

const SLACK_BYTES = wasm.SLACK_BYTES.value
const WIDE = inbox + 2 ** 20
const CHARACTERS = [
  'a',
  '"',
  '\0',
  '\x7f',
  '\x80',
  'é',
  '\u07ff',
  '\u0800',
  '敏',
  '\ufeff',
  '\uffff',
  '😀',
  '\u{10ffff}',
]

/** Widens a text at an address with every alignment that matters, among bytes that must not show. */
function widened(text: string, offset: number, around: number): string {
  const bytes = Buffer.from(text)
  const at = inbox + 64 + offset
  view.fill(around, at - 16, at + bytes.length + SLACK_BYTES)
  view.set(bytes, at)
  view.fill(0xee, WIDE, WIDE + 2 * text.length + SLACK_BYTES)
  const units = wasm.widen(at, at + bytes.length, WIDE)
  return view.toString('utf16le', WIDE, WIDE + 2 * units)
}

function expectWidened(text: string, offset = 0): void {
  for (const around of [0x00, 0x80, 0xf0]) {
    if (widened(text, offset, around) === text) continue
    expect(JSON.stringify(widened(text, offset, around)), `${offset}, ${around}`).to.equal(JSON.stringify(text))
  }
}

describe('framing: UTF-8 as UTF-16', () => {
  it('widens every character of Unicode', () => {
    let text = ''
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      text += String.fromCodePoint(code)
      if (text.length < 4096) continue
      expectWidened(text)
      text = ''
    }
    expectWidened(text)
  })

  it('widens each kind of character at each place of a text of up to 40', () => {
    for (const character of CHARACTERS) {
      for (let before = 0; before < 20; before++) {
        for (let behind = 0; behind < 20; behind++) {
          expectWidened('x'.repeat(before) + character + 'y'.repeat(behind), before % 16)
        }
      }
    }
  })

  it('widens texts of any mixture', () => {
    const random = new Random(1776)
    for (let round = 0; round < 20_000; round++) {
      const kinds = Array.from({ length: 1 + random.below(4) }, () => random.pick(CHARACTERS))
      let text = ''
      for (let length = random.below(80); length > 0; length--) text += random.pick(kinds)
      expectWidened(text, random.below(16))
    }
  })

  it('reads long texts whose characters lie across the pieces that they are read in', () => {
    for (const character of CHARACTERS.slice(4)) {
      for (let offset = 0; offset < 4; offset++) {
        const value = 'x'.repeat(offset) + character.repeat(600_000)
        const bytes = frame(JSON.stringify(value))
        view.set(bytes, inbox)
        const batch = new Batch()
        readFrames(inbox, bytes.length, bytes.length, batch)
        expect(batch.takeAll()[0] === value, `${character} after ${offset}`).to.equal(true)
      }
    }
  })

  it('reads ASCII texts of the lengths at which Node makes another kind of string, and others by pieces', () => {
    const edge = 0xfbee9
    for (const length of [edge - 1, edge, edge + 1, 17 * 65536 - 1, 17 * 65536, 17 * 65536 + 1, 3_000_000]) {
      let value = ''
      for (let at = 0; value.length < length - 2; at++) value += `${at} `
      value = value.slice(0, length - 2)
      const bytes = frame(JSON.stringify(value))
      view.set(bytes, inbox)
      const batch = new Batch()
      readFrames(inbox, bytes.length, bytes.length, batch)
      expect(batch.takeAll()[0] === value, `${length}`).to.equal(true)
    }
  })
})
