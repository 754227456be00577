import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { root } from '../helpers/code-blocks.js'

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect(status, stderr).to.equal(0)
  return stdout
}

/** Prints the stack of a call that reads behind the end of the memory. */
const TRAP = `
const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true })
const module = new WebAssembly.Module(fs.readFileSync('out/debug.wasm'))
const { consume } = new WebAssembly.Instance(module, { env: { memory } }).exports
try { consume(0x7fffffff, 1, 8) } catch (error) { console.log(error.stack) }`

describe('a debug build of the WASM', () => {
  before(() => {
    run('node_modules/.bin/asc', '--config', 'asconfig.json', '--target', 'debug')
  })

  it('leads from a trap to the line that trapped', () => {
    const stack = run('-e', TRAP)
    const [, address = stack] = /at assembly\/buffer\/consume \(.*:(0x[0-9a-f]+)\)/.exec(stack) ?? []
    const [, file = '', line] = /: (\S+):(\d+):\d+\n$/.exec(run('scripts/wasm-line.mjs', address)) ?? []
    expect(file).to.equal('assembly/buffer.ts')
    expect(readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1]).to.match(
      /memory\.copy\(block, block \+ count, length\)/
    )
  })
})
