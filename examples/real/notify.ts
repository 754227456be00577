#!/usr/bin/env node
// A service whose listening socket outlives it. Usage: node notify.js PATH
//
// At its first start it listens on PATH, and gives the socket to its service manager to keep (FDSTORE of sd_notify(3)). When
// it is restarted, after a crash too, the manager hands the socket back (sd_listen_fds(3)): no connection is refused in
// between. In the unit: Type=notify, NotifyAccess=main, FileDescriptorStoreMax=1.
import { connect, type FdSource, listen, OwnedFd, sendmsg } from 'wormhole-ipc/socket'

/** The first descriptor that a manager passes (SD_LISTEN_FDS_START). */
const FIRST = 3

const { NOTIFY_SOCKET, LISTEN_PID, LISTEN_FDS = '0', LISTEN_FDNAMES = '' } = process.env

async function notify(state: string, fds: readonly FdSource[] = []): Promise<void> {
  if (NOTIFY_SOCKET === undefined) return
  const manager = await connect(NOTIFY_SOCKET, { type: 'dgram' })
  await sendmsg(manager, Buffer.from(state), fds)
  manager.close()
}

/** The socket of this name that an earlier process has stored. */
function stored(name: string): OwnedFd | undefined {
  if (Number(LISTEN_PID) !== process.pid) return undefined
  const index = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS)).indexOf(name)
  return index < 0 ? undefined : new OwnedFd(FIRST + index)
}

async function open(path: string): Promise<OwnedFd> {
  const listening = stored('http')
  if (listening !== undefined) return listening
  const made = listen(path)
  await notify('FDSTORE=1\nFDNAME=http', [made.dup()])
  return made
}

const listening = await open(process.argv[2] as string)
const server = await listening.toServer()
server.on('connection', (socket) => socket.end(`process ${process.pid}\n`))
await notify('READY=1\nSTATUS=serving')
process.once('SIGTERM', () => void notify('STOPPING=1').then(() => server.close()))
