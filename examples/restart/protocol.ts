/** Where the service is: a port on the loopback interface, or a Unix socket. */
export type Address = { port: number } | { path: string }

/** What a server is told. The end of its orders tells it to stop. */
export type Order =
  /** Make the listening socket, and accept on it. */
  | { kind: 'listen'; address: Address }
  /** Accept on the listening socket that comes with this. */
  | { kind: 'accept' }
  /** Give the listening socket to the successor, whose orders go into the sender that comes with this. */
  | { kind: 'share' }

/** What a server tells: that it accepts, and last, when all its connections are gone, what it has done. */
export type Report = { kind: 'accepting'; port: number | null } | { kind: 'stopped'; served: number }

/** What a server answers to a request. */
export interface Answer {
  generation: number
  path: string
  digest: string
}
