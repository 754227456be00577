import { OwnedFd, Receiver } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { start } from './child.js'
import { rawPair } from './raw.js'

const PROGRAM = `
import array, os, select, sys
from socket import *

def listening(address, *kind):
    made = socket(*kind)
    made.bind(address)
    made.listen()
    return made

made = eval(sys.argv[1])
number = made if isinstance(made, int) else made.fileno()
frame = (4).to_bytes(8, 'little') + b'null'
socket(fileno=3).sendmsg([frame], [(SOL_SOCKET, SCM_RIGHTS, array.array('i', [number]))])
`

/** Gets a descriptor of a kind that Node cannot make: the value of a python3 expression. */
export async function foreign(expression: string): Promise<OwnedFd> {
  const [sending, receiving] = rawPair(socket.SOCK_SEQPACKET)
  const owned = new OwnedFd(sending)
  const receiver = Receiver.fromFd(receiving)
  const child = start('python3', ['-c', PROGRAM, expression], [sending])
  owned.close()
  try {
    const [, [made]] = await receiver.recvWithFds()
    return made as OwnedFd
  } catch (error) {
    throw new Error((await child.ended).stderr, { cause: error })
  } finally {
    receiver.close()
    await child.ended
  }
}
