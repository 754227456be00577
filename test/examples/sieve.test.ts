import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { chosen, sized } from '../helpers/long.js'
import { runProgram, startProgram } from '../helpers/program.js'

/** The first primes, one a line, by a plain sieve. */
function firstPrimes(count: number): string {
  const bound = 20 * (count + 1)
  const crossed = new Uint8Array(bound)
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) {
    if (crossed[n] === 1) continue
    primes.push(n)
    for (let multiple = n * n; multiple < bound; multiple += n) crossed[multiple] = 1
  }
  return `${primes.join('\n')}\n`
}

/** Which of these processes are there and run the example. */
function alive(pids: readonly string[]): string[] {
  return pids.filter((pid) => {
    const file = `/proc/${pid}/cmdline`
    return existsSync(file) && readFileSync(file, 'latin1').includes('sieve/process.js')
  })
}

describe('the sieve example', () => {
  for (const [primes, perProcess] of [
    [200, sized(100, 20)],
    [sized(3, 25), 1],
    [200, 200],
    [1, 1],
  ] as const) {
    const processes = primes / perProcess
    it(`finds ${primes} primes with up to ${perProcess} stages a process, and leaves no process behind`, async () => {
      const args = ['--primes', `${primes}`, '--per-process', `${perProcess}`, '--verbose']
      const { code, stdout, stderr } = await runProgram('sieve', args)
      expect(stdout).to.equal(firstPrimes(primes))
      const [, told, pids = ''] = /^sieve: (.*): ([\d ]+)\n$/.exec(stderr) ?? []
      expect(told, stderr).to.equal(`${primes} stages in ${processes} processes`)
      expect(pids.split(' ')).to.have.lengthOf(processes)
      expect(alive(pids.split(' '))).to.deep.equal([])
      expect(code).to.equal(0)
    })
  }

  it('ends as a whole when one of its processes dies', async () => {
    const child = startProgram('sieve', ['--primes', '3000', '--per-process', String(sized(1000, 100))])
    const [closed, complaints] = [once(child, 'close'), text(child.stderr!)]
    let stdout = ''
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      stdout += part
    })
    await once(child.stdout!, 'data')
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1')
    process.kill(Number.parseInt(children, 10), 'SIGKILL')
    // Nothing has its standard output and error any more: all are gone.
    expect(await closed).to.deep.equal([1, null])
    expect(await complaints).to.include('sieve: the process of stage 1 ended with SIGKILL\n')
    expect(firstPrimes(3000).startsWith(stdout)).to.equal(true)
  })

  it('explains itself', async () => {
    const { code, stdout } = await runProgram('sieve', ['--help'])
    expect(stdout).to.match(/^Usage: sieve/)
    expect(code).to.equal(0)
    for (const args of chosen(1, [['-n', '101', '-k', '1'], ['--upto', '9'], ['-n', 'many'], ['-k', '0'], ['9']])) {
      const wrong = await runProgram('sieve', args)
      expect(wrong.stderr, args.join(' ')).to.match(/^sieve: .*\nTry/)
      expect(wrong.code).to.equal(2)
    }
  })
})
