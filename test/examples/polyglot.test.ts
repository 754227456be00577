import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { chosen } from '../helpers/long.js'
import { runProgram } from '../helpers/program.js'

/** Whether a program can be started at all. */
function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0
}

function factorise(n: number): number[] {
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return [divisor, ...factorise(n / divisor)]
  }
  return n > 1 ? [n] : []
}

function expected(numbers: number[]): string {
  return numbers.map((n) => `${n} = ${factorise(n).join(' * ') || '1'}\n`).join('')
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** What `--verbose` tells: messages and packets, there and back. */
function traffic(stderr: string) {
  const [jobs, results] = [...stderr.matchAll(/^\w+: (\d+) in (\d+) packets$/gm)].map(([, messages, packets]) => {
    return { messages: Number(messages), packets: Number(packets) }
  })
  return { jobs: jobs!, results: results! }
}

describe('the polyglot example', () => {
  for (const [language, compiler] of [
    ['python', 'python3'],
    ['rust', 'rustc'],
  ] as const) {
    describe(`with a child in ${language}`, () => {
      before(function () {
        if (isInstalled(compiler)) return
        console.log(`      skipped: there is no ${compiler} here`)
        this.skip()
      })

      it('gets the answers to a few numbers', async () => {
        const { code, stdout, stderr } = await runProgram('polyglot', [language, '1', '12', '97', '9007199254740991'])
        expect(stderr).to.equal('')
        expect(stdout).to.equal('1 = 1\n12 = 2 * 2 * 3\n97 = 97\n9007199254740991 = 6361 * 69431 * 20394401\n')
        expect(code).to.equal(0)
      })

      it('splits packets of many messages, and answers with such', async () => {
        const numbers = upTo(3000)
        const { code, stdout, stderr } = await runProgram('polyglot', [language, '--verbose'], numbers.join('\n'))
        expect(stdout).to.equal(expected(numbers))
        const { jobs, results } = traffic(stderr)
        expect([jobs.messages, results.messages]).to.deep.equal([3000, 3000])
        expect(jobs.packets).to.be.below(100)
        expect(results.packets).to.be.below(100)
        expect(code).to.equal(0)
      })

      it('sends one message a packet where the channel asks for it', async () => {
        const numbers = upTo(1000)
        const args = [language, '--verbose', '--one-per-packet']
        const { code, stdout, stderr } = await runProgram('polyglot', args, numbers.join(' '))
        expect(stdout).to.equal(expected(numbers))
        const one = { messages: 1000, packets: 1000 }
        expect(traffic(stderr)).to.deep.equal({ jobs: one, results: one })
        expect(code).to.equal(0)
      })

      it('ends with the jobs when there are none', async () => {
        const { code, stdout, stderr } = await runProgram('polyglot', [language], '')
        expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: '', stderr: '' })
      })

      it('reads and writes messages too long for one packet, or says that it cannot', async () => {
        const numbers = upTo(14_000).map((n) => 2 ** 40 * (1 + (n % 1000)))
        expect(JSON.stringify({ numbers }).length, 'bytes of a job').to.be.above(212_992)
        const { code, stdout, stderr } = await runProgram('polyglot', [language, '-vt'], numbers.join(' '))
        const { jobs, results } = traffic(stderr)
        expect(jobs).to.deep.equal({ messages: 1, packets: 1 })
        if (language === 'python') {
          expect(stdout === expected(numbers)).to.equal(true)
          expect(results).to.deep.equal({ messages: 1, packets: 1 })
          expect(code).to.equal(0)
        } else {
          expect(stdout).to.equal('')
          expect(stderr).to.match(/^child\.rs: got a message too long for one packet.*\n/)
          expect(stderr).to.match(/\npolyglot: the child ended with exit code 1\n$/)
          expect(code).to.equal(1)
        }
      })
    })
  }

  it('explains itself', async () => {
    const { code, stdout } = await runProgram('polyglot', ['--help'])
    expect(stdout).to.match(/^Usage: polyglot/)
    expect(code).to.equal(0)
    for (const args of chosen(1, [['perl', '1'], ['python', '0.5'], [], ['python', '--french']])) {
      const wrong = await runProgram('polyglot', args)
      expect(wrong.stderr, args.join(' ')).to.match(/^polyglot: .*\n/)
      expect(wrong.code).to.equal(2)
    }
  })
})
