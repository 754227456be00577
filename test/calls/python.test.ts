import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { caller, link, serve } from 'wormhole-ipc/calls'
import { spawn } from 'wormhole-ipc/process'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { usesChildren } from '../helpers/uses-children.js'

const program = fileURLToPath(new URL('../../../examples/polyglot/calls.py', import.meta.url))

type PythonApi = {
  add(numbers: number[]): number
  divide(numbers: number[]): number
  greet(): string
}

describe('a peer in Python that serves and calls', () => {
  usesChildren()
  leavesNoDescriptors()

  it('answers, asks back from within a call, throws, and knows no other names', async () => {
    const [ours, theirs] = link()
    const child = spawn('python3', [program], { stdio: 'inherit', channels: { api: theirs } })
    const exit = once(child, 'exit')
    const api = caller<PythonApi>(ours)
    void serve(ours, { name: () => 'node' }, { concurrency: 1 })
    expect(await Promise.all([api.add([1, 2]), api.greet(), api.add([3])])).to.deep.equal([3, 'hello, node', 3])
    const error = await rejectsCode(api.divide([1, 0]), 'ERR_WORMHOLE_CALL_THREW')
    expect((error as { cause?: unknown }).cause).to.include({ name: 'ZeroDivisionError', message: 'division by zero' })
    const unknown = api as unknown as { constructor(): Promise<unknown> }
    await rejectsCode(unknown.constructor(), 'ERR_WORMHOLE_NO_HANDLER')
    const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => api.add([n, 1])))
    expect(sums).to.deep.equal(sums.map((_, n) => n + 1))
    ours.sender.close()
    ours.receiver.close()
    expect(await exit).to.deep.equal([0, null])
  })
})
