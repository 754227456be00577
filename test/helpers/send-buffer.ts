import { execFileSync } from 'node:child_process'
import { native } from '#lib/os/addon'
import { SO_SNDBUF } from '#lib/os/syscalls'

/** SO_SNDBUFFORCE (socket(7)) may exceed net.core.wmem_max, with CAP_NET_ADMIN; SO_SNDBUF may not. Node has neither. */
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

/** Makes another process set a socket's send buffer to any size that the kernel allows. */
export function forceSendBuffer(fd: number, bytes: number): void {
  execFileSync('python3', ['-c', PROGRAM, String(bytes)], { stdio: ['ignore', 'ignore', 'inherit', fd] })
}

/** The default net.core.wmem_max of the kernel. */
const STOCK_WMEM_MAX = 212_992

/** While `use` runs, limits SO_SNDBUF as the kernel does (net/core/sock.c) if net.core.wmem_max is the default. */
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
