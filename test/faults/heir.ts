// A child that looks for its channels only once it is told to, so that its system calls can be made to fail first.
// Prints the error, or which of its channels are close-on-exec; then answers what it is asked.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Receiver, Sender, WormholeError } from 'wormhole-ipc'
import { CLOSE_ON_EXEC, flagsOf } from '../helpers/files.js'
import { type Failure, failureOf } from './failure.js'

interface Given extends Record<string, Receiver<string> | Sender<string>> {
  questions: Receiver<string>
  answers: Sender<string>
}

/** What became of `inherited()`. */
export interface Inheritance {
  failures: Failure[]
  closeOnExec: boolean[]
}

function tell(inheritance: Inheritance): void {
  writeSync(1, `${JSON.stringify(inheritance)}\n`)
}

async function claim(): Promise<void> {
  const { inherited } = await import('wormhole-ipc/process')
  try {
    const { questions, answers } = inherited<Given>()
    const ends = [questions, answers]
    tell({ failures: [], closeOnExec: ends.map(({ fd }) => (flagsOf(fd) & CLOSE_ON_EXEC) !== 0) })
    for await (const question of questions) await answers.send(question)
    answers.close()
  } catch (error) {
    tell({ failures: [failureOf(error as WormholeError)], closeOnExec: [] })
    process.exit()
  }
}

const input = createInterface(process.stdin)
writeSync(1, 'ready\n')
input.once('line', () => {
  input.close()
  void claim()
})
