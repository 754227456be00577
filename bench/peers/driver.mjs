// What a driver is. See README.md for how to add one.

/**
 * What one measurement is told: a workload's own fields, and for how long it should last.
 *
 * @typedef {Partial<import('../workloads.mjs').Workload> & {
 *   peer?: string,
 *   limit?: 'codec' | 'kernel',
 *   seconds?: number,
 *   packetBytes?: number,
 *   packetMessages?: number,
 *   argv?: string[],
 * }} Job
 */

/**
 * One side of a connection to one child, or to several that share the work.
 *
 * @typedef {object} Link
 * @property {(message: unknown) => Promise<void>} send to one child, the next in turn; settles when the peer's `promise` holds
 * @property {(messages: Iterable<unknown>) => Promise<void>} sendAll as fast as the peer's documentation knows to
 * @property {(take: (message: any) => unknown) => void} receive calls `take` with each message from now on. Where `take`
 *   returns a promise and children share one queue, no more is taken before it settles
 * @property {() => unknown} close
 * @property {(message: unknown) => void} [sendSync]
 * @property {() => unknown} [recvSync]
 * @property {(messages: Iterable<unknown>, server: import('node:net').Server) => Promise<void>} [sendHandles] each message with a handle of `server`
 * @property {(take: (message: any, hasHandle: boolean) => void) => void} [receiveHandles] closes each handle
 * @property {(bytes: Buffer) => unknown} [sendBytes] a Buffer, which stays the sender's
 * @property {(take: (bytes: Uint8Array) => unknown) => void} [receiveBytes]
 * @property {() => { sent: Counts, received: Counts }} [stats] of this process's ends, where the peer counts
 */

/** @typedef {{ messages: number, bytes: number, packets: number }} Counts */

/**
 * Both ends of one channel, in this process.
 *
 * @typedef {object} Pair
 * @property {(message: unknown) => unknown} send
 * @property {() => Promise<any>} recv the next message
 * @property {() => unknown} close
 */

/**
 * A pool of workers that do tasks.mjs's "work", or a child that serves it to calls.
 *
 * @typedef {object} Workers
 * @property {(task: any) => PromiseLike<any>} run one job, or one call: its answer
 * @property {() => unknown} close ends them all
 */

/**
 * @typedef {object} Driver
 * @property {string} title as tables and charts show it
 * @property {string} [promise] of peers that send messages: what an awaited send means: 'kernel' (the kernel has it) or 'queue' (a queue of this process has it)
 * @property {('stream' | 'link' | 'sync' | 'descriptors' | 'bytes' | 'pair' | 'calls' | 'pool')[]} does which workloads it can take, by their `needs`
 * @property {number} [maxBytes] the longest message it can carry
 * @property {() => unknown} [available] throws, with the reason, where the peer cannot run
 * @property {(argv: string[], children: number, job: Job) => Promise<Link>} [start] starts `children` processes
 *   `node ...argv` and connects
 * @property {(job: Job) => Promise<Link>} [connect] the child's side of `start`
 * @property {() => Promise<Pair>} [pair]
 * @property {(argv: string[]) => Promise<Workers>} [calls] starts a process `node ...argv`, and calls what it serves
 * @property {(work: (task: any) => number) => unknown} [serve] the child's side of `calls`
 * @property {(size: number) => Promise<Workers>} [pool] of so many workers
 * @property {(job: Job) => Promise<import('../schedule.mjs').Sample>} [measure] for a program that measures itself: its figures
 */

export {}
