import { EventEmitter, once } from 'node:events'
import { type CallContext, type Link, serve } from 'wormhole-ipc/calls'
import { inherited } from 'wormhole-ipc/process'

const values = new Map<string, string>()
const stored = new EventEmitter().setMaxListeners(0)

const handlers = {
  /** Resolves once the store is up. */
  ready: () => true,

  set({ name, value }: { name: string; value: string }): string {
    if (name === '') throw new RangeError('a value needs a name')
    values.set(name, value)
    stored.emit(`set ${name}`, value)
    return 'stored'
  },

  /** A value that is not there yet is waited for; the caller hears of that. */
  async get(name: string, { signal, progress }: CallContext): Promise<string> {
    const value = values.get(name)
    if (value !== undefined) return value
    progress('is waited for')
    try {
      return (await once(stored, `set ${name}`, { signal }))[0]
    } catch (error) {
      console.error(`store: nobody waits for ${name} any more`)
      throw error
    }
  },
}

/** What the other side types its caller with. */
export type Store = typeof handlers

const { api } = inherited<{ api: Link }>()
// Until the other side closes the link, or is gone.
await serve(api, handlers)
