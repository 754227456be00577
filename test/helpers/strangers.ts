import { closeSync, readdirSync, writeSync } from 'node:fs'
import { expect } from 'chai'
import { native } from '#lib/os/addon'
import * as socket from '#lib/os/syscalls'
import { inodeOf } from '#lib/os/syscalls'
import { rawPair } from './raw.js'

const PRIVATE = 'for somebody else'

function openNumbers(): Set<number> {
  const numbers = readdirSync('/proc/self/fd').map(Number)
  // Without the directory's own descriptor, which is closed by now.
  return new Set(numbers.filter((fd) => inodeOf(fd) !== undefined))
}

/** Sockets that this library does not own, with bytes to read, under numbers that it had before. */
export class Strangers implements Disposable {
  readonly #before = openNumbers()
  readonly #pairs: { ends: [number, number]; inodes: (number | undefined)[] }[] = []

  /** Opens sockets until they have every number that was open when this was made and is free now, at least one. */
  move(): void {
    const open = openNumbers()
    const freed = [...this.#before].filter((fd) => !open.has(fd))
    expect(freed, 'numbers that are free again').to.not.have.lengthOf(0)
    for (const fd of freed) while (inodeOf(fd) === undefined) this.#open()
  }

  #open(): void {
    const ends = rawPair(socket.SOCK_STREAM)
    for (const end of ends) writeSync(end, PRIVATE)
    this.#pairs.push({ ends, inodes: ends.map(inodeOf) })
  }

  /** Checks that they are open and that nothing was read from them or written to them. */
  check(): void {
    for (const { ends, inodes } of this.#pairs) {
      expect(ends.map(inodeOf)).to.deep.equal(inodes)
      expect(ends.map((end) => native.unread(end))).to.deep.equal([PRIVATE.length, PRIVATE.length])
    }
  }

  [Symbol.dispose](): void {
    for (const { ends } of this.#pairs.splice(0)) for (const end of ends) closeSync(end)
  }
}
