import { closeSync } from 'node:fs'
import { expect } from 'chai'
import type { Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { type Child, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { sleeps, waitsExclusively } from '../helpers/proc.js'
import { rawPair, rawReceive, rawSend } from '../helpers/raw.js'
import { until } from '../helpers/until.js'
import { usesChildren } from '../helpers/uses-children.js'

const PROCESSES = 3
const HOUR_MS = 3_600_000
/** Long enough to be seen. */
const SHORT_MS = 500
/** More than it takes, also where the processes hardly ever sleep. */
const MOST_MESSAGES = 200_000
const MESSAGES_A_TURN = 4

describe('processes that share a receiving end', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  const pidOf = (child: Child): number => child.process.pid as number

  /** Starts processes that wait exclusively; each reports over a socket of its own. */
  function startWaiters(receiving: number, pause: number): { child: Child; reports: number }[] {
    return range(PROCESSES).map(() => {
      const [near, far] = rawPair(socket.SOCK_SEQPACKET)
      const child = startNode('exclusive-waiter', [String(pause)], [receiving, far])
      closeSync(far)
      return { child, reports: near }
    })
  }

  it('are woken one at a time and in turn, if they wait exclusively', async () => {
    const [sending, receiving] = rawPair(socket.SOCK_SEQPACKET)
    const waiters = startWaiters(receiving, HOUR_MS)
    closeSync(receiving)
    const asleep = async () => {
      for (const { child } of waiters) {
        await until('a process waits exclusively', () => waitsExclusively(pidOf(child)))
        await sleeps(pidOf(child))
      }
    }
    const order: number[] = []
    for (const number of range(4 * PROCESSES)) {
      await asleep()
      rawSend(sending, Buffer.from([number]))
      await until('a packet was taken', () => {
        const taker = waiters.findIndex(({ reports }) => rawReceive(reports).length > 0)
        if (taker >= 0) order.push(taker)
        return taker >= 0
      })
    }
    const round = order.slice(0, PROCESSES)
    expect(new Set(round).size).to.equal(PROCESSES)
    expect(order).to.deep.equal([...round, ...round, ...round, ...round])
    closeSync(sending)
    for (const { child, reports } of waiters) {
      expect((await child.ended).code).to.equal(0)
      closeSync(reports)
    }
  })

  it('wait as usual again once nothing comes, and all see the end', async () => {
    const [sending, receiving] = rawPair(socket.SOCK_SEQPACKET)
    const waiters = startWaiters(receiving, SHORT_MS)
    closeSync(receiving)
    await Promise.all(
      waiters.map(async ({ child }) => {
        await until('a process waits exclusively', () => waitsExclusively(pidOf(child)))
        await until('it waits as usual', () => !waitsExclusively(pidOf(child)))
      })
    )
    closeSync(sending)
    for (const { child, reports } of waiters) {
      expect((await child.ended).code).to.equal(0)
      closeSync(reports)
    }
  })

  /** A channel whose messages several processes share, and answer over another. */
  class Shared {
    readonly #sender: Sender<number>
    readonly #shared: Receiver<number>
    readonly #answers: Sender<number>
    readonly #counting: Promise<void>
    readonly children: Child[] = []
    sent = 0
    answered = 0
    killed = 0

    constructor() {
      const [sender, shared] = open<number>({ coalesce: false })
      const [answers, receiver] = open<number>({ coalesce: false })
      this.#sender = sender
      this.#shared = shared
      this.#answers = answers
      this.#counting = this.#count(receiver)
      this.start(PROCESSES)
    }

    async #count(receiver: Receiver<number>): Promise<void> {
      for await (const _ of receiver) this.answered++
    }

    start(count: number): void {
      for (const _ of range(count)) this.children.push(startNode('answering', [], [this.#shared.fd, this.#answers.fd]))
    }

    /** Sends messages, few at a time so that the processes sleep in between, until all wait exclusively. */
    async untilExclusive(): Promise<void> {
      const exclusive = () => this.children.every((child) => waitsExclusively(pidOf(child)))
      const most = this.sent + MOST_MESSAGES
      let seen = false
      for (; !seen && this.sent < most; seen = exclusive()) {
        for (const _ of range(64)) {
          const before = this.answered
          for (const _ of range(MESSAGES_A_TURN)) await this.#sender.send(this.sent++)
          await until('all is answered', () => this.answered - before >= MESSAGES_A_TURN)
        }
      }
      expect(seen, `exclusive waits after ${this.sent} messages`).to.equal(true)
    }

    /** Kills all but one, and sends a message, for which the kernel may wake one that is about to end. */
    async killMost(): Promise<void> {
      const victims = this.children.splice(0, PROCESSES - 1)
      for (const victim of victims) victim.process.kill('SIGKILL')
      expect(this.#sender.trySend(this.sent++)).to.equal(true)
      for (const victim of victims) await victim.ended
      await until('it is read', () => socket.unread(this.#shared.fd) === 0)
      this.killed += victims.length
    }

    async end(): Promise<void> {
      for (const end of [this.#sender, this.#shared, this.#answers]) end.close()
      for (const child of this.children) expect(await child.ended).to.include({ code: 0, stderr: '' })
      await this.#counting
    }
  }

  it('begin to wait exclusively where each packet wakes them all', async () => {
    const shared = new Shared()
    await shared.untilExclusive()
    await shared.end()
    expect(shared.answered).to.equal(shared.sent)
  })

  it('leave no message to one that was killed before it has read', async () => {
    const shared = new Shared()
    for (const _ of range(sized(4, 50))) {
      await shared.untilExclusive()
      await shared.killMost()
      shared.start(PROCESSES - 1)
    }
    await shared.end()
    expect(shared.sent - shared.answered).to.be.within(0, shared.killed)
  })
})
