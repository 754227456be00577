import { closeSync } from 'node:fs'
import { type OwnedFd, Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { type Child, start } from './child.js'
import { rawPair } from './raw.js'

/** Makes each in a process of its own, which is gone when the answer's second message comes. */
const PROGRAM = `
import array, json, os, select
from socket import *

def listening(address, *kind):
    made = socket(*kind)
    made.bind(address)
    made.listen()
    return made

def answer(value, fds=[]):
    text = json.dumps(value).encode()
    rights = [(SOL_SOCKET, SCM_RIGHTS, array.array('i', fds))] if fds else []
    peer.sendmsg([len(text).to_bytes(8, 'little') + text], rights)

def make(expression):
    try:
        made = eval(expression)
        answer(None, [made if isinstance(made, int) else made.fileno()])
    except Exception as error:
        answer(repr(error))
    os._exit(0)

peer = socket(fileno=3)
while packet := peer.recv(65536):
    maker = os.fork()
    if maker == 0:
        make(json.loads(packet[8:]))
    os.waitpid(maker, 0)
    answer(None)
`

/**
 * In a `describe`, before `leavesNoDescriptors()`: starts one python3 for its tests. Returns a function that gets a
 * descriptor of a kind that Node cannot make: the value of an expression. Whatever else that opened is closed by then.
 */
export function usesForeign(): (expression: string) => Promise<OwnedFd> {
  let python: Child
  let expressions: Sender<string>
  let answers: Receiver<string | null>
  before(() => {
    const [theirs, ours] = rawPair(socket.SOCK_SEQPACKET)
    python = start('python3', ['-c', PROGRAM], [theirs])
    closeSync(theirs)
    const copy = socket.duplicate(ours)
    socket.release(copy)
    expressions = Sender.fromFd(copy, { coalesce: false })
    answers = Receiver.fromFd(ours)
  })
  after(async () => {
    expressions.close()
    answers.close()
    await python.ended
  })
  return async (expression) => {
    await expressions.send(expression)
    const [error, [made]] = await answers.recvWithFds()
    await answers.recv()
    if (made === undefined) throw new Error(`${expression}: ${error}`)
    return made
  }
}
