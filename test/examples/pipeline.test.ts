import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { sized } from '../helpers/long.js'
import { runProgram, startProgram, startVerbose } from '../helpers/program.js'
import { quiet } from '../helpers/quiet.js'
import { skipUnderAsan } from '../helpers/under-asan.js'

const LINES = sized(15_000, 60_000)
const FILLER = 'x'.repeat(1000)

function line(id: number): string {
  return `${JSON.stringify({ id, filler: FILLER })}\n`
}

/** Writes lines for as long as they are read. */
function feedWithoutEnd({ stdin }: ChildProcess): void {
  const feed = () => {
    while (stdin!.write(line(0)));
  }
  stdin!.on('error', () => undefined).on('drain', feed)
  feed()
}

describe('the pipeline example', () => {
  it('masks fields, and keeps the order', async () => {
    const records = Array.from({ length: 500 }, (_, id) => ({ id, email: `${id}@example.com`, list: [id] }))
    const input = records.map((record) => JSON.stringify(record)).join('\n\n')
    const { code, stdout, stderr } = await runProgram('pipeline', ['--mask', 'email', '-m', 'list'], input)
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
    const expected = records.map(({ id, email, list }) => {
      return { id, email: digest(email), list: digest(list) }
    })
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((written) => JSON.parse(written))
    ).to.deep.equal(expected)
  })

  it('leaves out what is not a record, and says so', async () => {
    const { code, stdout, stderr } = await runProgram('pipeline', [], '{"a":1}\n{"a":\n\n5\n{"a":2}\n')
    expect(stdout).to.equal('{"a":1}\n{"a":2}\n')
    expect(stderr).to.match(/line 2 is not a JSON object.*\n.*line 4 is not/)
    expect(code).to.equal(1)
  })

  it('explains itself', async () => {
    const { code, stdout } = await runProgram('pipeline', ['--help'])
    expect(stdout).to.match(/^Usage: pipeline/)
    expect(code).to.equal(0)
    const wrong = await runProgram('pipeline', ['--unmask'])
    expect(wrong.stderr).to.match(/^pipeline: Unknown option '--unmask'.*\n/)
    expect(wrong.code).to.equal(2)
  })

  it('stops reading while nobody takes the output, in flat memory, and loses nothing', async function () {
    skipUnderAsan(this, 'it keeps memory that is freed, and this measures memory')
    const { child, closed, pids, stderr } = await startVerbose('pipeline', 2)
    const stdin = child.stdin!
    let bytes = 0
    const fed = (async () => {
      for (let id = 0; id < LINES; id += 50) {
        const part = Array.from({ length: 50 }, (_, index) => line(id + index)).join('')
        bytes += part.length
        if (!stdin.write(part)) await once(stdin, 'drain')
      }
      stdin.end()
    })()
    // Nobody reads the output: Node has taken what it takes of itself, and then all come to a halt.
    await quiet([child.pid!, ...pids])
    expect(stdin.writableLength, 'waits to be read').to.be.greaterThan(0)
    expect(bytes, 'bytes read, at most').to.be.below(4_000_000)

    const lines = createInterface({ input: child.stdout! })
    let id = 0
    for await (const got of lines) {
      expect(`${got}\n` === line(id), `line ${id}`).to.equal(true)
      id++
    }
    await fed
    expect(id).to.equal(LINES)
    expect(await closed).to.deep.equal([0, null])
    const peaks = [...stderr().matchAll(/needed (\d+) MB/g)].map(([, megabytes]) => Number(megabytes))
    expect(peaks).to.have.lengthOf(3)
    expect(Math.max(...peaks)).to.be.below(110)
  })

  it('ends when nobody wants the output any more, though the input goes on', async () => {
    const child = startProgram('pipeline')
    const closed = once(child, 'close')
    feedWithoutEnd(child)
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    expect(await closed).to.deep.equal([0, null])
  })

  it('ends and says why when a stage is killed', async () => {
    const { child, closed, pids, stderr } = await startVerbose('pipeline', 2)
    child.stdout!.resume()
    process.kill(pids[0]!, 'SIGKILL')
    feedWithoutEnd(child)
    expect(await closed).to.deep.equal([1, null])
    expect(stderr()).to.include('transform was killed by SIGKILL')
  })
})
