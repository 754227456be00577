import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsEvents } from 'wormhole-ipc'

type Name = keyof DiagnosticsEvents

const everyName: Record<Name, true> = {
  'wormhole-ipc:open': true,
  'wormhole-ipc:channel': true,
  'wormhole-ipc:move': true,
  'wormhole-ipc:close': true,
  'wormhole-ipc:send': true,
  'wormhole-ipc:receive': true,
  'wormhole-ipc:error': true,
}
export const eventNames = Object.keys(everyName) as Name[]

/** The events published since the test began. */
export interface Events {
  /** In order, by name. */
  readonly names: Name[]
  of<N extends Name>(name: N): DiagnosticsEvents[N][]
  clear(): void
}

/** In a `describe`: subscribes to every event during each test. */
export function watchesEvents(): Events {
  const all: { name: Name; payload: unknown }[] = []
  const note = (payload: unknown, name: string | symbol) => void all.push({ name: name as Name, payload })
  beforeEach(() => {
    for (const name of eventNames) subscribe(name, note)
  })
  afterEach(() => {
    for (const name of eventNames) unsubscribe(name, note)
    all.length = 0
  })
  return {
    get names() {
      return all.map(({ name }) => name)
    },
    of: <N extends Name>(name: N) =>
      all.filter((event) => event.name === name).map(({ payload }) => payload as DiagnosticsEvents[N]),
    clear: () => void all.splice(0),
  }
}

/** Calls `listener` with each event of one name while `operation` runs. */
export async function during<N extends Name>(
  name: N,
  listener: (event: DiagnosticsEvents[N]) => void,
  operation: () => unknown
): Promise<void> {
  const listen = (payload: unknown) => listener(payload as DiagnosticsEvents[N])
  subscribe(name, listen)
  try {
    await operation()
  } finally {
    unsubscribe(name, listen)
  }
}
