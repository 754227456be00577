import { describe, reasonOf } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { isObject } from '../core/shapes.js'
import type { Client, NatsConnection } from './client-types.js'

/** Not written where they are imported: TypeScript and bundlers would look for packages that may not be there. */
const PACKAGES = ['@nats-io/jetstream', '@nats-io/transport-node']

/** The oldest server that keeps its bound, and what it has acknowledged, through kills. */
const OLDEST = [2, 10, 27] as const

let loading: Promise<Client> | undefined

/** Loads the client's packages when they are first needed: who does not need them need not install them. */
export function loadClient(): Promise<Client> {
  loading ??= load()
  return loading
}

async function load(): Promise<Client> {
  try {
    const modules: Partial<Client>[] = await Promise.all(PACKAGES.map((name) => import(name)))
    const { jetstreamManager, headers, createInbox } = Object.assign({}, ...modules) as Client
    return { jetstreamManager, headers, createInbox }
  } catch (cause) {
    loading = undefined
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `wormhole-ipc/nats needs two packages that it does not install: npm install ${PACKAGES.join(' ')} (${reasonOf(cause)})`,
      { cause }
    )
  }
}

/** Throws unless `value` is a connection by its shape. */
export function assertConnection(value: unknown, call: string): asserts value is NatsConnection {
  const { publish, request, subscribe, status, closed } = (isObject(value) ? value : {}) as Record<string, unknown>
  if ([publish, request, subscribe, status, closed].every((method) => typeof method === 'function')) return
  const is = describe(value)
  throw argumentError(
    `${call}() takes a connection, as connect() of @nats-io/transport-node resolves to, not ${is}${is === 'a Promise' ? ': await it' : ''}`
  )
}

/** Throws ERR_WORMHOLE_UNSUPPORTED for a server that is too old. */
export function assertVersion(version: string | undefined): void {
  const numbers =
    /^(\d+)\.(\d+)\.(\d+)/
      .exec(version ?? '')
      ?.slice(1)
      .map(Number) ?? []
  for (const [place, wanted] of OLDEST.entries()) {
    const has = numbers[place] ?? 0
    if (has > wanted) return
    if (has < wanted) {
      throw new WormholeError(
        'ERR_WORMHOLE_UNSUPPORTED',
        `the server is nats-server ${version ?? 'of an unknown version'}; wormhole-ipc/nats needs ${OLDEST.join('.')} or later, as earlier ones forget what they acknowledged when they are killed`
      )
    }
  }
}

/** The number of an error that the JetStream API answered with; undefined if `error` is none. */
export function apiCode(error: unknown): number | undefined {
  const { name, code } = (isObject(error) ? error : {}) as { name?: unknown; code?: unknown }
  return typeof code === 'number' && /^(JetStreamApi|StreamNotFound|ConsumerNotFound)/.test(String(name))
    ? code
    : undefined
}

/** Whether no server serves the request: JetStream is off, is starting, or the stream is gone. */
export function isUnserved(error: unknown): boolean {
  return nameIn(error, /^(NoResponders|JetStreamNotEnabled)/)
}

/** Whether the server refuses the account. */
export function isForbidden(error: unknown): boolean {
  return nameIn(error, /^(PermissionViolation|Authorization)/)
}

function nameIn(error: unknown, names: RegExp): boolean {
  for (let at = error, depth = 0; isObject(at) && depth < 4; at = (at as { cause?: unknown }).cause, depth++) {
    if (names.test(String((at as { name?: unknown }).name))) return true
  }
  return false
}

/** Whether an error is what the server answered, not that no answer came. */
export function isAnswer(error: unknown): boolean {
  return apiCode(error) !== undefined || isForbidden(error)
}
