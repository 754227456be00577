import { expect } from 'chai'
import { CONTROL_FIRST, FIRST as FIRST_PAIR, type Native, native, PAIR_WORDS } from '#lib/os/addon'

const GUARD = 0xa5
const GUARD_BYTES = 65536

/** Shared bytes for the addon to use, between others that it must not change. */
class Guarded {
  readonly buffer: SharedArrayBuffer
  readonly #guards: Uint8Array[]

  constructor(readonly length: number) {
    this.buffer = new SharedArrayBuffer(length + 2 * GUARD_BYTES)
    this.#guards = [0, GUARD_BYTES + length].map((at) => new Uint8Array(this.buffer, at, GUARD_BYTES).fill(GUARD))
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.buffer, GUARD_BYTES, this.length)
  }

  get words(): Int32Array {
    return new Int32Array(this.buffer, GUARD_BYTES, this.length / Int32Array.BYTES_PER_ELEMENT)
  }

  check(): void {
    for (const guard of this.#guards) {
      expect(
        guard.every((byte) => byte === GUARD),
        'bytes beside what the addon was given'
      ).to.equal(true)
    }
  }
}

const { SCM_MAX_FD, SOCK_SEQPACKET } = native.constants
const MEMORY_BYTES = 4 * 65536

/** The addon with memory of its own instead of the library's, for direct calls. */
export class Arena {
  readonly memory = new Guarded(MEMORY_BYTES)
  readonly control = new Guarded((CONTROL_FIRST + SCM_MAX_FD) * Int32Array.BYTES_PER_ELEMENT)
  /** Has room for one pair. */
  readonly ready = new Guarded((FIRST_PAIR + PAIR_WORDS) * Int32Array.BYTES_PER_ELEMENT)

  constructor(readonly addon: Native = native) {
    addon.attach(this.memory.bytes, this.control.words)
  }

  /** The descriptors that the addon reads from the control array, or has put there. */
  get fds(): Int32Array {
    return this.control.words.subarray(CONTROL_FIRST)
  }

  pair(type = SOCK_SEQPACKET): [number, number] {
    expect(this.addon.socketpair(type)).to.equal(0)
    return [this.fds[0] as number, this.fds[1] as number]
  }

  /** Checks that a packet with a descriptor still gets through, and that only the addon's memory was written. */
  check(): void {
    const { addon, fds, memory } = this
    const [one, other] = this.pair()
    memory.bytes.set([1, 2, 3], 100)
    fds[0] = one
    expect(addon.sendmsg(one, 100, 3, 1)).to.equal(3)
    expect(addon.recvmsg(other, 200, memory.length - 200, false)).to.equal(3)
    expect([...memory.bytes.subarray(200, 203)]).to.deep.equal([1, 2, 3])
    for (const fd of [one, other, fds[0] as number]) expect(addon.close(fd)).to.equal(0)
    for (const part of [memory, this.control, this.ready]) part.check()
  }
}
