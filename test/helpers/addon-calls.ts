import { type Native, native } from '#lib/os/addon'
import type { Arena } from './arena.js'

export type Call = Exclude<keyof Native, 'constants' | 'isMainThread'>

/** What an argument is; `offset` and `length` name bytes of the attached memory, `size` those of a file. */
export type Kind = 'fd' | 'int' | 'count' | 'offset' | 'length' | 'size' | 'bytes' | 'words' | 'callback' | 'boolean'

/** The arguments of every call of the addon. */
export const signatures: Record<Call, readonly Kind[]> = {
  attach: ['bytes', 'words'],
  discard: ['offset', 'length'],
  sendmsg: ['fd', 'offset', 'length', 'count'],
  recvmsg: ['fd', 'offset', 'length', 'boolean'],
  socketpair: ['int'],
  adopt: ['fd'],
  release: ['fd'],
  close: ['fd'],
  dup: ['fd'],
  getsockopt: ['fd', 'int'],
  setsockopt: ['fd', 'int', 'int'],
  peercred: ['fd'],
  unread: ['fd'],
  wait: ['int', 'int', 'count'],
  socket: ['int'],
  bind: ['fd', 'offset', 'length'],
  listen: ['fd', 'int'],
  accept: ['fd'],
  connect: ['fd', 'offset', 'length'],
  sockname: ['fd', 'offset', 'length'],
  lock: ['fd'],
  setNonblocking: ['fd', 'boolean'],
  memfdCreate: ['int'],
  addSeals: ['fd', 'int'],
  getSeals: ['fd'],
  map: ['fd', 'size'],
  onReady: ['callback', 'words'],
  watch: ['fd', 'int'],
  watchExclusively: ['fd', 'int'],
  unwatch: ['fd'],
  keepAlive: ['boolean'],
  loopCount: [],
  clock: [],
}

export const calls = Object.keys(signatures) as Call[]

/** The calls that take a descriptor first. */
export const callsOnDescriptors = calls.filter((call) => signatures[call][0] === 'fd')

/** Returns the addon's answer: an integer, the length of a Buffer, or 'refused' for the one error that it throws. Throws anything else. */
function attempt(call: Call, args: readonly unknown[], addon: Native): Answer {
  let result: unknown
  try {
    result = (addon[call] as (...args: readonly unknown[]) => unknown)(...args)
  } catch (error) {
    if (error instanceof TypeError && error.message === `wormhole addon: bad arguments for ${call}`) return 'refused'
    throw error
  }
  if (Buffer.isBuffer(result)) return result.length
  if (!Number.isSafeInteger(result) && !(call === 'clock' && Number.isFinite(result)))
    throw new Error(`${call} answered ${String(result)}`)
  return result as number
}

let made = 0

/** The number of calls that `expectAnswer` has made. */
export function callsMade(): number {
  return made
}

type Answer = number | 'refused'
export const isRefused = (answer: Answer) => answer === 'refused'
export const hasFailed = (answer: Answer) => answer !== 'refused' && answer < 0
export const isZero = (answer: Answer) => answer === 0
/** Any number. */
export const isAnswer = (answer: Answer) => answer !== 'refused'

/** Makes a call and expects an answer that fits. */
export function expectAnswer(
  call: Call,
  args: readonly unknown[],
  fits: (answer: Answer) => boolean,
  { addon = native, what = '' } = {}
): void {
  made++
  const answer = attempt(call, args, addon)
  if (!fits(answer)) throw new Error(`${call}(${args.map(String).join(', ')}) answered ${answer} ${what}`)
}

/** Arguments that a call accepts, and that change only what is given away. */
export function goodArguments(arena: Arena, call: Call, fd: number): unknown[] {
  const good: Record<Kind, unknown> = {
    fd,
    int: 0,
    count: 1,
    offset: 0,
    length: 16,
    size: 16,
    bytes: arena.memory.bytes,
    words: call === 'attach' ? arena.control.words : arena.ready.words,
    callback: () => undefined,
    boolean: false,
  }
  // An address of no bytes: the kernel chooses an abstract name (unix(7)), and no file is made.
  if (call === 'bind') good.length = 0
  return signatures[call].map((kind) => good[kind])
}
