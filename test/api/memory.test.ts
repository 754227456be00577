import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { memoryBytes } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import { Reassembly } from '#lib/wire/reassembly'
import type { BigMessage } from '../fixtures/big-message.js'
import { countCalls } from '../helpers/count-calls.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { sized } from '../helpers/long.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { rawPair } from '../helpers/raw.js'
import { usesChildren } from '../helpers/uses-children.js'

const MIB = 2 ** 20
const types = [
  ['SOCK_SEQPACKET', socket.SOCK_SEQPACKET],
  ['SOCK_STREAM', socket.SOCK_STREAM],
] as const

/** Of a message that must not stay in memory. */
const LARGE_MIB = sized(96, 256)

describe(`a message of ${LARGE_MIB} MiB`, () => {
  usesChildren()
  leavesNoDescriptors()

  for (const [name, type] of types) {
    it(`leaves no more than 64 MiB of memory behind at either end (${name})`, async () => {
      const [sending, receiving] = rawPair(type)
      const size = String(LARGE_MIB * MIB)
      const ends = [startMeasuring('big-message', ['send', size], [sending])]
      ends.push(startMeasuring('big-message', ['receive', size], [receiving]))
      closeSync(sending)
      closeSync(receiving)
      for (const end of ends) {
        const { before, during, after, length } = await measured<BigMessage>(end)
        expect(length).to.equal(LARGE_MIB * MIB)
        expect(during - before, 'it was in memory').to.be.above((LARGE_MIB * MIB) / 2)
        expect(after - before, 'what is left of it').to.be.below(64 * MIB)
      }
    })
  }
})

describe('the work for a message', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  const sizes = [1024, 16 * 1024, 256 * 1024, MIB, 4 * MIB, sized(16, 64) * MIB]

  for (const [name, type] of types) {
    it(`is in proportion to its size, from 1 KiB to ${sized(16, 64)} MiB (${name})`, async () => {
      const options = { maxMessageBytes: 128 * MIB }
      const [sender, receiver] =
        type === socket.SOCK_STREAM ? openStream<string>(options, options) : open<string>(options)
      const callsPerMib: number[] = []
      for (const size of sizes) {
        const message = 'x'.repeat(size)
        const calls = await countCalls(async () => {
          const [received] = await Promise.all([receiver.recv(), sender.send(message)])
          expect(received === message).to.equal(true)
        })
        const frame = size + 10
        expect(calls.sent, `bytes sent of ${size}`).to.equal(frame)
        expect(calls.received, `bytes received of ${size}`).to.equal(frame)
        if (size >= MIB) callsPerMib.push((calls.recvmsg + calls.sendmsg) / (size / MIB))
        else expect(calls.recvmsg + calls.sendmsg, `calls for ${size} bytes`).to.be.below(20)
      }
      for (const calls of callsPerMib) expect(calls, 'calls for each MiB').to.be.below(100)
    })
  }

  it('copies no more than twice its bytes while room for it grows', () => {
    for (const size of sizes) {
      const reassembly = new Reassembly(0, 0)
      let copied = 0
      while (reassembly.length < size) {
        const { at, length } = reassembly
        reassembly.reserve(size)
        if (reassembly.at !== at) copied += length
        expect(reassembly.room).to.be.above(0)
        reassembly.append(Math.min(reassembly.room, 10_000))
      }
      reassembly.free()
      expect(copied, `copied for ${size} bytes`).to.be.at.most(2 * size)
    }
  })

  it('uses the same memory again for the next message', async () => {
    const [sender, receiver] = open<string>()
    const memory: number[] = []
    for (let time = 0; time < 5; time++) {
      const message = `${time}`.repeat(8 * MIB)
      const [received] = await Promise.all([receiver.recv(), sender.send(message)])
      expect(received === message).to.equal(true)
      memory.push(memoryBytes())
    }
    expect(memory[4]).to.equal(memory[1])
  })
})
