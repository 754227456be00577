import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { channel, WormholeError } from 'wormhole-ipc'
import { type ForkAndRunOptions, forkAndRun } from 'wormhole-ipc/process'
import { fixture, startNode } from '../helpers/child.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { sized } from '../helpers/long.js'

interface Failed extends WormholeError {
  stderr: string
  exitCode: number | null
  signal: string | null
  childCode?: unknown
}

const functions = fixture('functions')

function run<R>(name: string, input?: unknown, options: ForkAndRunOptions = {}): Promise<R> {
  return forkAndRun<R>(functions, input, { ...options, export: name })
}

async function failureOf(promise: Promise<unknown>): Promise<Failed> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason
  )
  expect(error).to.be.instanceOf(WormholeError)
  return error as Failed
}

/** Children of this process, zombies too. */
function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readChildren(`/proc/self/task/${task}/children`).split(' ').filter(Boolean)
  )
}

function readChildren(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

describe('forkAndRun', () => {
  leavesNoDescriptors()
  afterEach(() => expect(children(), 'children left over').to.deep.equal([]))

  it("runs a module's default export in another process, by path or URL", async () => {
    for (const module of [functions, pathToFileURL(functions), pathToFileURL(functions).href]) {
      const { input, pid } = await forkAndRun<{ input: unknown; pid: number }>(module, { some: ['input', null] })
      expect(input).to.deep.equal({ some: ['input', null] })
      expect(pid).not.to.equal(process.pid)
    }
  })

  it('runs another export, synchronous or not, with or without a result', async () => {
    expect(await run('sum', [1, 2, 3])).to.equal(6)
    expect(await run('nothing')).to.equal(undefined)
  })

  it('carries long inputs and results', async () => {
    const long = 'ä'.repeat(2_000_000)
    expect((await forkAndRun<{ input: string }>(functions, long)).input === long).to.equal(true)
  })

  it('gives the function its channels', async () => {
    const [numbers, from] = channel<number>()
    const [to, doubles] = channel<number>()
    const running = run('double', undefined, { channels: { from, to } })
    await numbers.sendAll([1, 2, 3])
    numbers.close()
    const all: number[] = []
    for await (const number of doubles) all.push(number)
    expect(all).to.deep.equal([2, 4, 6])
    expect(await running).to.equal(3)
  })

  it('passes on the environment and the options of Node', async () => {
    expect(await run('environment', 'GREETING', { env: { ...process.env, GREETING: 'hello' } })).to.equal('hello')
    const failed = await failureOf(run('exhaustMemory', undefined, { execArgv: ['--max-old-space-size=24'] }))
    expect(failed.code).to.equal('ERR_WORMHOLE_CHILD_EXITED')
    expect(failed.message).to.include('ran out of memory')
    expect(failed.stderr).to.include('heap out of memory')
  })

  it('rejects with what the function threw: name, message, stack, cause and code', async () => {
    const failed = await failureOf(run('throwError'))
    expect(failed.code).to.equal('ERR_WORMHOLE_CHILD_THREW')
    expect(failed.name).to.equal('RangeError')
    expect(failed.message).to.equal('out of bounds')
    expect(failed.stack).to.include('functions.')
    expect(failed.childCode).to.equal('ERR_BOUNDS')
    const cause = failed.cause as Error
    expect([cause.name, cause.message, cause.cause]).to.deep.equal(['TypeError', 'the cause', 'its root'])
    expect(failed.stderr).to.include('about to throw')
  })

  it('rejects with what was thrown though it is no error', async () => {
    expect((await failureOf(run('throwValue'))).message).to.include('{"not":"an error"}')
  })

  it('says that the child exited early, with the end of its standard error', async () => {
    const failed = await failureOf(run('exitEarly'))
    expect(failed.code).to.equal('ERR_WORMHOLE_CHILD_EXITED')
    expect(failed.message).to.include('exited early, with code 7')
    expect([failed.exitCode, failed.signal]).to.deep.equal([7, null])
    expect(failed.stderr).to.equal('leaving early\n')
  })

  it('says that the child was killed', async () => {
    const failed = await failureOf(run('killItself'))
    expect(failed.message).to.include('killed by SIGKILL')
    expect([failed.exitCode, failed.signal]).to.deep.equal([null, 'SIGKILL'])
  })

  it('says that the child died of an error that nobody caught', async () => {
    const failed = await failureOf(run('throwLater'))
    expect(failed.message).to.include('exited early, with code 1')
    expect(failed.stderr).to.include('nobody catches this')
  })

  it('says what is wrong with a module or an export that is not there', async () => {
    const noModule = await failureOf(forkAndRun('/nowhere/at/all.js'))
    expect([noModule.code, noModule.childCode]).to.deep.equal(['ERR_WORMHOLE_CHILD_THREW', 'ERR_MODULE_NOT_FOUND'])
    expect((await failureOf(run('missing'))).message).to.include('has no function as its export "missing"')
  })

  it('says that the result or the input cannot be written as JSON', async () => {
    expect((await failureOf(run('unserializable'))).message).to.include('BigInt')
    expect((await failureOf(run('sum', 5n))).code).to.equal('ERR_WORMHOLE_UNSERIALIZABLE')
  })

  it('ends a child whose time is over', async () => {
    const failed = await failureOf(run('runForEver', {}, { timeout: 300 }))
    expect(failed.code).to.equal('ERR_WORMHOLE_TIMEOUT')
  })

  it('ends a child that is aborted, and rejects with the reason', async () => {
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const [from, to] = channel<number>()
    const running = run('double', undefined, { signal: controller.signal, channels: { from: to, to: from } })
    const outcome = running.catch((error: unknown) => error)
    setImmediate(() => controller.abort(reason))
    expect(await outcome).to.equal(reason)
    expect(await run('sum', [1], { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)).to.equal(
      reason
    )
  })

  it('leaves no orphan when the parent is killed', async () => {
    const parent = startNode('parent-of-function')
    const [line] = (await once(parent.process.stdout as Readable, 'data')) as [string]
    parent.process.kill('SIGKILL')
    // The child holds the parent's standard output: that ends with the child.
    const { signal } = await parent.ended
    expect(signal).to.equal('SIGKILL')
    expect(existsSync(`/proc/${line.trim()}/exe`)).to.equal(false)
  })

  it('does not wait for what the function left running', async () => {
    expect(await run('leaveThingsRunning')).to.equal('done')
  })

  it('leaves nothing behind, many times in a row', async () => {
    await run('sum', [1])
    const before = openDescriptors()
    for (let count = 0; count < sized(2, 20); count++) expect(await run('sum', [count, 1])).to.equal(count + 1)
    expect(openDescriptors()).to.equal(before)
  })
})
