import { answerOf, type Outgoing, refusalOf, unsendable } from '../calls/answers.js'
import { type Answer, answerText } from '../calls/forms.js'
import { type CallContext, Handling, type Reporter } from '../calls/handling.js'
import { closeAll, WithFds } from '../calls/with-fds.js'
import type { Link } from '../channel/link.js'
import type { Receiver } from '../channel/receiver.js'
import { toRecord } from '../core/carried-error.js'
import { now } from '../core/clock.js'
import type { WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { NumberedSet } from '../core/numbered.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { inherited } from '../process/inherited.js'
import { readEach } from '../receive/read-each.js'
import type { Poster } from '../send/send-request.js'
import { isLeftOut } from '../wire/json.js'
import { IMPORT, ORDERS, type Order, type Task, WORK } from './protocol.js'

/** The program of a pool's process: runs one module's function for job after job. */

type Operation = (input: unknown, context: CallContext) => unknown

const WHAT = 'the job'
const { [WORK]: work, [ORDERS]: orders } = inherited<{ [WORK]: Link; [ORDERS]: Receiver<Order> }>()
const { sender: results, receiver: jobs } = work
const [module = ''] = process.argv.slice(2)
const running = new NumberedSet<Handling>()
/** Jobs that were aborted before they were read. */
const abortedAhead = new Set<number>()
/** Milliseconds within which answers are gathered after one that was sent: so none waits for a job that takes longer. */
const GATHER_MS = 0.25
let gatheredSince = 0
let lastRead = IMPORT
/** Whether the kernel did not take the whole of an answer immediately. */
let late = false
/** So short a text the kernel takes whole or not at all: from a stream of 4,608 bytes, the smallest, it takes 2,240 in one piece. */
const WHOLE_UNITS = 700
/** Resolves the wait for the end of a job. */
let wake: (() => void) | undefined

async function load(): Promise<Operation> {
  const exports = (await import(module)) as { default?: unknown }
  // A CommonJS module's exports are all properties of the default one.
  const inner = exports.default as { default?: unknown } | undefined
  const found = [exports.default, inner?.default].find((candidate) => typeof candidate === 'function')
  if (typeof found !== 'function') throw new TypeError(`${module} has no function as its export "default"`)
  return found as Operation
}

/** Hands an answer to the kernel before another job is read: so a job that is neither unread nor answered has begun. */
function answer({ form, fds }: Outgoing): void {
  if (fds === undefined && results.trySend(form)) {
    noteLate()
    return
  }
  late = true
  const sent = fds === undefined ? results.send(form) : results.sendWithFds(form, fds)
  sent.catch((error: unknown) => tell(plain(unsendable({ form, fds }, WHAT, error))))
}

/** Notes whether the kernel has only the first part of an answer: the channel is a byte stream, and full now. */
function noteLate(): void {
  late ||= results.stats().queued > 0
}

/** Answers with an output: nearly always a value that needs no more than its text. */
function tellOutput(job: number, output: unknown): void {
  if (output instanceof WithFds || isLeftOut(output)) {
    tell(answerOf(job, WHAT, output))
    return
  }
  try {
    const text = answerText(job, output)
    if (gathers()) results.post(text, poster, job)
    else if (!results.tryPost(text)) tell(plain({ answer: job, output }))
    else if (text.length > WHOLE_UNITS) noteLate()
  } catch (error) {
    poster.onUnsent(job, error)
  }
}

const poster: Poster = {
  // The process has other jobs to do, and the pool other processes.
  eager: false,
  onUnsent(job, error) {
    try {
      tell(plain(unsendable(plain({ answer: job }), WHAT, error)))
    } catch {
      // The pool is gone, and with it the channel of orders, which ends this process.
    }
  },
}

const reporter: Reporter = {
  progress(job, value) {
    void quiet(results.send({ progress: job, value }))
  },
}

/** Whether an answer may share a packet with others of this tick: where several jobs are under way anyway. */
function gathers(): boolean {
  if (concurrency === 1) return false
  const time = now()
  if (time - gatheredSince < GATHER_MS) return true
  gatheredSince = time
  return false
}

function tell(outgoing: Outgoing): void {
  try {
    answer(outgoing)
  } catch (error) {
    answer(plain(unsendable(outgoing, WHAT, error)))
  }
}

function tellError(job: number, error: unknown): void {
  tell(plain({ answer: job, error: toRecord(error) }))
}

function plain(form: Answer): Outgoing {
  return { form, fds: undefined }
}

function begin(operation: Operation, { job, input, isProbe }: Task, fds: readonly OwnedFd[]): void {
  lastRead = job
  if (abortedAhead.delete(job) || isProbe) {
    closeAll(fds)
    tell(plain({ answer: job }))
    return
  }
  const handling = new Handling(job, fds, false, reporter)
  running.add(handling)
  try {
    const output = operation(input, handling)
    if (typeof (output as PromiseLike<unknown> | undefined)?.then === 'function') {
      ;(output as PromiseLike<unknown>).then(
        (settled) => end(handling, settled, tellOutput),
        (error: unknown) => end(handling, error, tellError)
      )
      return
    }
    end(handling, output, tellOutput)
  } catch (error) {
    end(handling, error, tellError)
  }
}

/** Does nothing for a promise that settles twice. */
function end(handling: Handling, outcome: unknown, tellOutcome: (job: number, outcome: unknown) => void): void {
  if (handling.done) return
  handling.finish()
  tellOutcome(handling.id, outcome)
  running.delete(handling)
  wake?.()
}

async function obey(): Promise<never> {
  for await (const order of orders) {
    if (!('abort' in order)) continue
    const { abort, reason, name } = order
    if (abort > lastRead) abortedAhead.add(abort)
    else running.get(abort)?.abort(new DOMException(reason, name))
  }
  // The pool has ended this process, or is gone.
  process.exit()
}

function oneIsOver(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve
  })
}

async function handedOver(): Promise<void> {
  late = false
  await results.flush().catch(() => undefined)
}

async function takeJobs(operation: Operation): Promise<void> {
  const take = (task: unknown, fds: readonly OwnedFd[]) => begin(operation, task as Task, fds)
  const pause = () => {
    if (running.size >= concurrency) return oneIsOver()
    return late ? handedOver() : undefined
  }
  for (;;) {
    try {
      await readEach(jobs, take, pause)
    } catch (error) {
      const { code, message, received } = error as WormholeError
      // The channel of orders has ended too, which ends this process.
      if (code === 'ERR_WORMHOLE_DISCONNECTED') return
      const { job } = (received ?? {}) as Partial<Task>
      if (job === undefined) throw error
      // Its descriptors were lost.
      tell(plain(refusalOf(job, code, message)))
    }
  }
}

const first = await orders.recv()
void obey()
const concurrency = 'concurrency' in first ? (first.concurrency ?? Number.POSITIVE_INFINITY) : 1
let operation: Operation
try {
  operation = await load()
  tell(plain({ answer: IMPORT }))
} catch (error) {
  tell(plain({ answer: IMPORT, error: toRecord(error) }))
  operation = () => {
    throw error
  }
}
await takeJobs(operation)
