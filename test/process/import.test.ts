import { expect } from 'chai'
import { start } from '../helpers/child.js'

/** Modules of Node's own that take milliseconds to load, and that few programs need of us. */
const HEAVY = ['child_process', 'cluster', 'net', 'perf_hooks', 'stream', 'worker_threads']

const sources = {
  'wormhole-ipc, and a first message,': `import { channel } from 'wormhole-ipc'
    const [sender, receiver] = channel()
    sender.send('first')
    await receiver.recv()`,
  'wormhole-ipc, and a hundred messages, for which the loop budget looks at the clock,': `import { channel } from 'wormhole-ipc'
    const [sender, receiver] = channel()
    for (let count = 0; count < 100; count++) {
      sender.send(count)
      await receiver.recv()
    }`,
  'wormhole-ipc/process': `import 'wormhole-ipc/process'`,
  'wormhole-ipc/socket': `import 'wormhole-ipc/socket'`,
  'wormhole-ipc/calls': `import 'wormhole-ipc/calls'`,
  'wormhole-ipc/pool': `import 'wormhole-ipc/pool'`,
  'wormhole-ipc/listen': `import 'wormhole-ipc/listen'`,
}

/** At the end, as writing loads some as well. */
const PRINT = `
  const loaded = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''))
  process.getBuiltinModule('fs').writeSync(1, JSON.stringify(loaded))`

describe('an import', () => {
  for (const [name, source] of Object.entries(sources)) {
    it(`of ${name} loads nothing of Node's that it does not need`, async () => {
      const program = ['--input-type=module', '-e', source + PRINT]
      const { code, stdout, stderr } = await start(process.execPath, program).ended
      expect(code, stderr).to.equal(0)
      const loaded = JSON.parse(stdout) as string[]
      expect(loaded).to.include('fs')
      expect(loaded.filter((module) => HEAVY.includes(module))).to.deep.equal([])
    })
  }
})
