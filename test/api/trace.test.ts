import { spawn } from 'node:child_process'
import { expect } from 'chai'
import { fixture, start } from '../helpers/child.js'

async function run(debug: string): Promise<{ fds: Record<string, number>; lines: string[] }> {
  const program = ['env', `NODE_DEBUG=${debug}`, process.execPath, fixture('traced')] as const
  const { code, stdout, stderr } = await start(program[0], program.slice(1)).ended
  expect(code, stderr).to.equal(0)
  return { fds: JSON.parse(stdout), lines: stderr.split('\n').filter((line) => line !== '') }
}

describe('NODE_DEBUG=wormhole', () => {
  let fds: Record<string, number>
  let lines: string[]
  let all: string[]

  before(async () => {
    const traced = await run('wormhole')
    fds = traced.fds
    all = traced.lines
    lines = all.map((line) => line.replace(/^WORMHOLE \d+: /, '').replace(/\d+\.\d ms/, '# ms'))
  })

  /** What was said of one end, in order; a descriptor's number may have served before. */
  function linesOf(name: string, end: 'Sender' | 'Receiver'): string[] {
    const start = `${end} ${fds[name]}: `
    return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))
  }

  it('begins each line with its name and the process', () => {
    expect(all).to.not.have.length(0)
    for (const line of all) expect(line).to.match(/^WORMHOLE \d+: (Sender|Receiver) \d+: /)
  })

  it('tells of a sender that was opened, found its channel full, resumed, and was closed', () => {
    const told = linesOf('sender', 'Sender')
    expect(told[0]).to.equal('opened')
    expect(told.indexOf('full')).to.be.greaterThan(0)
    expect(told.lastIndexOf('resumed, after # ms')).to.be.greaterThan(told.lastIndexOf('full'))
    expect(told).to.include('closed')
  })

  it('tells of a receiver that waited, resumed, and came to the end', () => {
    expect(linesOf('receiver', 'Receiver').slice(0, 3)).to.deep.equal(['opened', 'waits', 'resumed, after # ms'])
    expect(linesOf('receiver', 'Receiver')).to.include('end')
  })

  it('tells of ends that were moved, with a message and to a child', () => {
    expect(linesOf('moved', 'Sender')).to.include('moved with a message')
    expect(linesOf('other', 'Receiver')).to.include('moved to a child')
  })

  it('tells of errors with their code', () => {
    const told = linesOf('over', 'Sender')
    expect(told.slice(-2)).to.deep.equal([
      'error: ERR_WORMHOLE_DISCONNECTED: every receiving end of the channel is gone',
      'end',
    ])
  })

  it('tells at the end which ends are open, and where they were made', async () => {
    const program = ['NODE_DEBUG=wormhole', process.execPath, fixture('left-open')]
    const { code, stdout, stderr } = await start('env', program).ended
    expect(code, stderr).to.equal(0)
    const { sender, receiver } = JSON.parse(stdout)
    for (const end of [`Sender ${sender}`, `Receiver ${receiver}`]) {
      expect(stderr).to.match(
        new RegExp(
          `: ${end}: still open, made at makeChannel \\(\\S+/left-open\\.\\w+:\\d+:\\d+\\) < \\S+:\\d+:\\d+\\n`
        )
      )
    }
  })

  it('tells of a long wait, who has the other end, and where that was made', async () => {
    const child = spawn(process.execPath, [fixture('left-open'), 'wait'], {
      env: { ...process.env, NODE_DEBUG: 'wormhole' },
      stdio: 'pipe',
    })
    let traced = ''
    for await (const text of child.stderr.setEncoding('utf8')) {
      traced += text
      if (traced.match(/ has waited \d+ s; .*\n/g)?.length === 2) child.stdin.end()
    }
    const { sender, receiver, full, unread } = JSON.parse(String(child.stdout.read()))
    const made = 'made at makeChannel \\(\\S+\\) < \\S+'
    expect(traced).to.match(
      new RegExp(`: Receiver ${receiver}: has waited \\d+ s; Sender ${sender} is its other end, ${made}\\n`)
    )
    expect(traced).to.match(
      new RegExp(`: Sender ${full}: has waited \\d+ s; Receiver ${unread} is its other end, ${made}\\n`)
    )
  })

  it('is silent where NODE_DEBUG names something else', async () => {
    const { lines: others } = await run('wormholes,other')
    expect(others.filter((line) => line.startsWith('WORMHOLE '))).to.deep.equal([])
  })
})
