// A child of the uses: tells that it is there, and serves calls until the link ends.
import type { Sender } from 'wormhole-ipc'
import { type Link, serve } from 'wormhole-ipc/calls'
import { inherited } from 'wormhole-ipc/process'

const { results, api } = inherited<{ results: Sender<string>; api: Link }>()
await results.send('there')
results.close()
await serve(api, handlers())
process.disconnect?.()

function handlers() {
  return {
    double: (n: number) => 2 * n,
    fail: () => {
      throw new RangeError('of the handler')
    },
    hang: () => new Promise<never>(() => undefined),
  }
}

export type Handlers = ReturnType<typeof handlers>
