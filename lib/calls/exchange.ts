import type { Link } from '../channel/link.js'
import type { FdSource } from '../fd/transfer.js'
import type { Answer, Form } from './forms.js'
import type { Reporter } from './handling.js'

/** The part of a link's connection that its calling and serving sides use. */
export interface Exchange extends Reporter {
  readonly link: Link
  readonly calling: { readonly bounded: boolean; has(id: unknown): boolean }
  start(): void
  keepAlive(): void
  idle(): void
  resume(): void
  say(form: Form): void
  send(form: Form | Answer, fds: readonly FdSource[] | undefined, failed: (error: unknown) => void): void
  within(): number | undefined
  runWithin<Result>(id: number, run: () => Result): Result
}
