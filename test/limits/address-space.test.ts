import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { start } from '../helpers/child.js'
import { root } from '../helpers/code-blocks.js'
import { skipUnderAsan } from '../helpers/under-asan.js'

const FLAG = '--disable-wasm-trap-handler'
const program = `
  import { channel } from 'wormhole-ipc'
  import { pool } from 'wormhole-ipc/pool'
  const [sender, receiver] = channel()
  await sender.send('here')
  console.log(await receiver.recv())
  const jobs = pool('data:text/javascript,export default (n) => 2 * n', { size: 1 })
  console.log(await jobs.run(21))
  await jobs.close()`

describe('address space', () => {
  it('of 4 GB is enough for a channel and a pool with the option that docs/containers.md names', async function () {
    skipUnderAsan(this, 'it needs terabytes of address space itself')
    expect(readFileSync(join(root, 'docs/containers.md'), 'utf8')).to.include(`\`${FLAG}\``)
    const command = ['-c', 'ulimit -v 4000000; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', program]
    // In the environment, so that the pool's process has it too.
    const { code, stdout, stderr } = await start('env', ['-C', root, `NODE_OPTIONS=${FLAG}`, 'sh', ...command]).ended
    expect(stderr).to.equal('')
    expect([code, stdout]).to.deep.equal([0, 'here\n42\n'])
  })
})
