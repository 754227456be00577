import { execFileSync } from 'node:child_process'
import { native } from '#lib/os/addon'
import { SO_SNDBUF } from '#lib/os/syscalls'

/** Of socket(7), beside SO_SNDBUF: past net.core.wmem_max too, for those who may (CAP_NET_ADMIN). Node has neither. */
const PROGRAM = `
import socket, sys
SO_SNDBUFFORCE = 32
bytes = int(sys.argv[1])
end = socket.socket(fileno=3)
try:
    end.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, bytes)
except PermissionError:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, bytes)
`

/** Has another process give a socket a send buffer of any size that the kernel allows it. */
export function forceSendBuffer(fd: number, bytes: number): void {
  execFileSync('python3', ['-c', PROGRAM, String(bytes)], { stdio: ['ignore', 'ignore', 'inherit', fd] })
}

/** net.core.wmem_max of a kernel that nobody has tuned. */
const STOCK_WMEM_MAX = 212_992

/** While `use` runs, SO_SNDBUF is limited as the kernel limits it (net/core/sock.c) where net.core.wmem_max is the stock one. */
export async function withStockBuffers(use: () => Promise<void>): Promise<void> {
  const { setsockopt } = native
  native.setsockopt = (fd, option, value) =>
    setsockopt(fd, option, option === SO_SNDBUF ? Math.min(value, STOCK_WMEM_MAX) : value)
  try {
    await use()
  } finally {
    native.setsockopt = setsockopt
  }
}
