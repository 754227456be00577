import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { chosen } from '../helpers/long.js'
import { runProgram, startVerbose } from '../helpers/program.js'

describe('the request-reply example', () => {
  it('gives each of many concurrent requests its own answer', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `name${index}`)
    // All are asked for before any is there, and the answers come in another order.
    const requests = [...names, ...names.map((name, index) => `${name}=${index}`).reverse()]
    const { code, stdout, stderr } = await runProgram('request-reply', [...requests, '--deadline', '60000'])
    expect(stderr).to.equal('')
    const answers = [
      ...names.map((name, index) => `${name}: ${index}`),
      ...names.map((name, index) => `${name}=${index}: stored`).reverse(),
    ]
    expect(stdout.trimEnd().split('\n')).to.deep.equal(answers)
    expect(code).to.equal(0)
  })

  it('gives up an answer at its deadline, and the store sees that', async () => {
    const { code, stdout, stderr } = await runProgram('request-reply', ['nobody', 'stores', 'these', '-d', '50'])
    expect(stdout).to.equal(['nobody', 'stores', 'these'].map((name) => `${name}: (no answer within 50 ms)\n`).join(''))
    expect(stderr.split('\n').sort()).to.deep.equal([
      '',
      ...['nobody', 'stores', 'these'].map((name) => `store: nobody waits for ${name} any more`),
    ])
    expect(code).to.equal(1)
  })

  it('tells what the store threw, and what has to wait', async () => {
    const { code, stdout, stderr } = await runProgram('request-reply', ['a', '=b', 'a=1', '-v', '-d', '60000'])
    expect(stdout).to.equal('a: 1\n=b: (a value needs a name)\na=1: stored\n')
    expect(stderr).to.match(/\nrequest-reply: a is waited for\n(.*\n)*request-reply: a has been answered\n/)
    expect(stderr).to.not.include('a=1 is waited for')
    expect(code).to.equal(1)
  })

  it('tells that the store has died', async () => {
    const args = ['never', 'a=1', '--deadline', '60000']
    const { child, closed, pids, stderr } = await startVerbose('request-reply', 1, args)
    const stdout = text(child.stdout!)
    // The store has the other request, too, which was made first.
    while (!stderr().includes('a=1 has been answered')) await once(child.stderr!, 'data')
    process.kill(pids[0]!, 'SIGKILL')
    expect(await closed).to.deep.equal([1, null])
    expect(await stdout).to.equal('never: (the store is gone)\na=1: stored\n')
  })

  it('explains itself', async () => {
    const { code, stdout } = await runProgram('request-reply', ['--help'])
    expect(stdout).to.match(/^Usage: request-reply/)
    expect(code).to.equal(0)
    for (const args of chosen(1, [['a', '--deadline', 'soon'], [], ['--wait']])) {
      const wrong = await runProgram('request-reply', args)
      expect(wrong.stderr).to.match(/^request-reply: .*\nTry/)
      expect(wrong.code).to.equal(2)
    }
  })
})
