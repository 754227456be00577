import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'
import { rejectsCode } from '../helpers/expect-error.js'
import type { Inheritance } from './heir.js'
import { Injection } from './injection.js'
import { expectFailures } from './injects.js'
import { ERRNOS, outcomeOf } from './outcomes.js'

const HEIR = fileURLToPath(new URL('heir.js', import.meta.url))

/** One for each channel. Node has made them close-on-exec when it started. */
const CALLS = ['1', '2']

describe('a child that adopts its channels', () => {
  for (const errno of ERRNOS) {
    for (const when of CALLS) {
      it(`fcntl fails with ${errno}: call ${when}`, async () => {
        const fault = { syscall: 'fcntl', errno, when }
        const [sender, questions] = channel<string>()
        const [answers, receiver] = channel<string>()
        const child = spawn(process.execPath, [HEIR], {
          channels: { questions, answers },
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        const closed = once(child, 'close')
        const lines = createInterface(child.stdout!)
        await once(lines, 'line')
        const injection = await Injection.into(child.pid!, fault)
        child.stdin!.write('go\n')
        const [line] = await once(lines, 'line')
        const calls = await injection.end()
        child.stdin!.end()
        const { failures, closeOnExec } = JSON.parse(line) as Inheritance
        expect(calls, injection.text).to.have.lengthOf(1)
        expectFailures(failures, calls, outcomeOf(fault), fault)
        if (failures.length === 0) {
          expect(closeOnExec).to.deep.equal([true, true])
          await sender.send('still there?')
          expect(await receiver.recv()).to.equal('still there?')
        }
        sender.close()
        await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
        await closed
      })
    }
  }
})
