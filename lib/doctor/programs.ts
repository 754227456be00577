import { readFileSync } from 'node:fs'
import { type Caller, caller } from '../calls/caller.js'
import type { Link } from '../channel/link.js'
import { connect } from '../listen/connect.js'
import { namesIn, type Report, type Reports } from '../top/report.js'

/** How long a program may take to answer: its event loop may be busy. */
const PATIENCE_MS = 1000

/** The threads of other processes that answer `top`; those that stopped answering are asked again. */
export class Programs {
  readonly #callers = new Map<string, { link: Link; api: Caller<Reports> }>()

  /** Asks every thread that answers now. Threads that are gone, busy, or another user's are left out. */
  async reports(): Promise<Report[]> {
    const names = namesIn(readFileSync('/proc/net/unix', 'utf8'))
    for (const [name, { link }] of this.#callers) if (!names.includes(name)) this.#forget(name, link)
    const answers = await Promise.allSettled(names.map((name) => this.#ask(name)))
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  close(): void {
    for (const [name, { link }] of this.#callers) this.#forget(name, link)
  }

  async #ask(name: string): Promise<Report> {
    let known = this.#callers.get(name)
    if (known === undefined) {
      const { reports: link } = await connect<{ reports: Link }>(name, { timeout: PATIENCE_MS })
      known = { link, api: caller<Reports>(link) }
      this.#callers.set(name, known)
    }
    try {
      return await known.api.report(undefined, { timeout: PATIENCE_MS })
    } catch (error) {
      this.#forget(name, known.link)
      throw error
    }
  }

  #forget(name: string, { sender, receiver }: Link): void {
    this.#callers.delete(name)
    sender.close()
    receiver.close()
  }
}
