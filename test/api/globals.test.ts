import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { startNode } from '../helpers/child.js'

const STEPS = ['stream', 'descriptors', 'select', 'blocking', 'aborted', 'raw', 'forkAndRun']

const dist = new URL('../../../dist/', import.meta.url)

/** What test runners and other libraries put something else in the place of. */
const REPLACEABLE = [
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask'],
  ...['performance', 'Date', 'Promise', 'Buffer', 'structuredClone', 'fetch', 'crypto', 'console'],
  ...['AbortController', 'Event', 'EventTarget', 'MessageChannel', 'TextDecoder', 'TextEncoder'],
]
const OF_PROCESS = ['nextTick', 'hrtime', 'emitWarning', 'uptime', 'cpuUsage', 'memoryUsage']

function modules(): string[] {
  // The command line is a program of its own.
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.js') && !name.startsWith('doctor/'))
}

const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g

/** What functions of a compiled module take from the globals when they are called: they are what is indented in it. */
function takenLate(name: string): string[] {
  const code = readFileSync(new URL(name, dist), 'utf8').replace(COMMENT_OR_TEXT, "''")
  const lines = code.split('\n')
  const late = lines.filter((line) => line.startsWith(' ')).join('\n')
  const early = lines.filter((line) => /^(?:import|const|export const) \{/.test(line)).join('\n')
  const taken = REPLACEABLE.filter(
    (global) =>
      new RegExp(`(?<![\\w.#$]|instanceof )${global}\\b(?! ?:)`).test(late) &&
      !new RegExp(`\\b${global}\\b`).test(early)
  )
  const ofProcess = OF_PROCESS.map((member) => `process.${member}`).filter((text) => late.includes(text))
  return [...taken, ...ofProcess].map((text) => `${name}: ${text}`)
}

describe('the globals of Node', () => {
  for (const how of ['timers', 'node:test', 'globals']) {
    it(`may be replaced once the library is imported, which uses them as they were: ${how}`, async function () {
      this.timeout(60_000)
      const { code, stdout, stderr: all } = await startNode('fake-timers', [how]).ended
      const stderr = all.replace(/^.*MockTimers API is an experimental.*\n.*\n/, '')
      expect({ code, stderr, steps: stdout.trim().split('\n') }).to.deep.equal({ code: 0, stderr: '', steps: STEPS })
    })
  }

  it('may be fake timers before the library is imported, which finds what these stand in for', async function () {
    this.timeout(60_000)
    const { code, stdout, stderr } = await startNode('early-fakes').ended
    expect({ code, stderr, steps: stdout.trim().split('\n') }).to.deep.equal({ code: 0, stderr: '', steps: STEPS })
  })

  it('are taken when the library is imported, and by none of its functions when that is called', () => {
    expect(modules()).to.include.members(['core/loop-budget.js', 'calls/calling.js', 'pool/pool.js'])
    expect(modules().flatMap(takenLate)).to.deep.equal([])
  })
})
