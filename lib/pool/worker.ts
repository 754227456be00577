import type { CallContext } from '../calls/handling.js'
import { serve } from '../calls/serve.js'
import type { Link } from '../channel/link.js'
import { AbortController } from '../core/globals.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { inherited } from '../process/inherited.js'
import { POOL, type Task } from './protocol.js'

/** The program of a pool's process: runs one module's function for job after job. */

type Operation = (input: unknown, context: CallContext) => unknown

const { [POOL]: link } = inherited<{ [POOL]: Link }>()
const [module = ''] = process.argv.slice(2)
const running = new Map<number, JobContext>()
let operation: Promise<Operation> | undefined

/** The context of a call with a signal of its own: the pool aborts a job and still learns when it is done. */
class JobContext implements CallContext {
  readonly #call: CallContext
  readonly controller = new AbortController()

  constructor(call: CallContext) {
    this.#call = call
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  get progress(): (value: unknown) => void {
    return this.#call.progress
  }

  get fds(): OwnedFd[] {
    return this.#call.fds
  }
}

async function load(): Promise<Operation> {
  const exports = (await import(module)) as { default?: unknown }
  // A CommonJS module's exports are all in the default one.
  const inner = exports.default as { default?: unknown } | undefined
  const found = [exports.default, inner?.default].find((candidate) => typeof candidate === 'function')
  if (typeof found !== 'function') throw new TypeError(`${module} has no function as its export "default"`)
  return found as Operation
}

await serve(link, {
  load: async () => {
    operation ??= load()
    await operation
  },
  run: async ({ job, input }: Task, call: CallContext) => {
    const context = new JobContext(call)
    running.set(job, context)
    try {
      operation ??= load()
      const run = await operation
      // It may have been given up during the import: a function that only listens for the abort would never hear of it.
      context.signal.throwIfAborted()
      return await run(input, context)
    } finally {
      running.delete(job)
    }
  },
  abort: ({ job, reason, name }: { job: number; reason: string; name: string }) => {
    running.get(job)?.controller.abort(new DOMException(reason, name))
  },
})
// The pool is done with this process, or is gone.
process.exit()
