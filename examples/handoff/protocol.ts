/** What comes with a connection. */
export interface Visit {
  /** The client's address, if it has one: those of a Unix socket have none. */
  from?: string | undefined
}

/** What a worker tells when it is done. */
export interface Account {
  pid: number
  connections: number
  bytes: number
}

/** What a worker writes before it echoes: a line of JSON. */
export interface Greeting extends Visit {
  pid: number
}

/** What the clients shall do. */
export interface Order {
  server: { port: number; host: string } | { path: string }
  clients: number
  bytes: number
}

/** What they saw. */
export interface Outcome {
  /** Right echoes, by the process id in the greeting. */
  right: Record<string, number>
  wrong: string[]
}
