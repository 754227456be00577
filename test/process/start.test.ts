import type { ChildProcess, ForkOptions } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { type ChannelsOption, fork as forkWithChannels, spawn } from 'wormhole-ipc/process'
import { fixture, start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { throwsCode } from '../helpers/expect-error.js'

interface Talk {
  requests: Sender<string>
  answers: Receiver<unknown>
  child: { requests: Receiver<string>; answers: Sender<unknown> }
}

function talk(): Talk {
  const [requests, childRequests] = channel<string>()
  const [childAnswers, answers] = channel()
  return { requests, answers, child: { requests: childRequests, answers: childAnswers } }
}

async function ask({ requests, answers }: Talk, ...questions: string[]): Promise<unknown[]> {
  await requests.sendAll(questions)
  requests.close()
  const all: unknown[] = []
  for await (const answer of answers) all.push(answer)
  return all
}

let children: ChildProcess[] = []

function fork(module: string, ...rest: (string[] | (ForkOptions & ChannelsOption))[]): ChildProcess {
  const child = (forkWithChannels as (...args: unknown[]) => ChildProcess)(module, ...rest)
  children.push(child)
  return child
}

/** A child keeps pipes and its IPC channel open until it is gone. */
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  children = []
})

describe('fork with channels', () => {
  leavesNoDescriptors()

  it('gives a child its ends by name, once', async () => {
    const ours = talk()
    fork(fixture('inheriting'), { channels: ours.child })
    const [names, same, echo] = await ask(ours, 'names', 'same', 'echo')
    expect(names).to.deep.equal(['requests', 'answers'])
    expect(same).to.equal(true)
    expect(echo).to.equal('echo')
  })

  it('moves the ends, so that the end of the child is the end of the channel', async () => {
    const ours = talk()
    const child = fork(fixture('inheriting'), { channels: ours.child })
    expect([ours.child.requests.closed, ours.child.answers.closed]).to.deep.equal([true, true])
    throwsCode(() => ours.child.answers.send(1), 'ERR_WORMHOLE_CLOSED')
    child.kill('SIGKILL')
    const all: unknown[] = []
    for await (const answer of ours.answers) all.push(answer)
    expect(all).to.deep.equal([])
    ours.requests.close()
  })

  it('keeps an end of which a clone was given', async () => {
    const ours = talk()
    const child = fork(fixture('inheriting'), {
      channels: { requests: ours.child.requests.clone(), answers: ours.child.answers },
    })
    await ours.requests.send('one')
    expect(await ours.answers.recv()).to.equal('one')
    child.kill()
    await once(child, 'exit')
    await ours.requests.send('two')
    expect(await ours.child.requests.recv()).to.equal('two')
    for (const end of [ours.requests, ours.child.requests, ours.answers]) end.close()
  })

  it('hands nothing on to grandchildren', async () => {
    const ours = talk()
    fork(fixture('inheriting'), { channels: ours.child })
    const [variable, grandchild] = await ask(ours, 'variable', 'grandchild')
    expect(variable).to.equal(null)
    expect(grandchild).to.equal('[]\n0\n')
  })

  it('says in the child what is not there, and what is there instead', async () => {
    const ours = talk()
    fork(fixture('inheriting'), { channels: ours.child })
    const [missing, wrongEnd] = await ask(ours, 'missing', 'wrong end')
    expect(missing).to.deep.equal([
      'ERR_WORMHOLE_NO_CHANNEL',
      'no channel "nowhere" was given to this process; it has: requests, answers',
    ])
    expect((wrongEnd as string[])[0]).to.equal('ERR_WORMHOLE_NO_CHANNEL')
    expect((wrongEnd as string[])[1]).to.include('"requests" is the receiving end')
  })

  it('leaves the options of child_process as they are', async () => {
    const ours = talk()
    const child = fork(fixture('inheriting'), ['an', 'argument'], {
      channels: ours.child,
      env: { ...process.env, WORMHOLE_TEST: 'here' },
      stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    child.stdout?.resume()
    child.stdio[3]?.destroy()
    expect(child.stdio).to.have.lengthOf(7)
    expect(child.connected).to.equal(true)
    expect(await ask(ours, 'argv', 'env')).to.deep.equal([['an', 'argument'], 'here'])
  })

  it('refuses an end that holds messages, and moves none of the others', async () => {
    const [sender, receiver] = channel<number>()
    const [other, unused] = channel()
    await sender.sendAll([1, 2])
    expect(await receiver.recv()).to.equal(1)
    throwsCode(() => fork(fixture('inheriting'), { channels: { other, receiver } }), 'ERR_WORMHOLE_PENDING')
    expect(other.closed).to.equal(false)
    expect(await receiver.recv()).to.equal(2)
    for (const end of [sender, receiver, other, unused]) end.close()
  })
})

describe('spawn with channels', () => {
  leavesNoDescriptors()

  it('leaves the ends usable when the signal is aborted before', async () => {
    const [sender, receiver] = channel<number>()
    const child = spawn('cat', { channels: { receiver }, signal: AbortSignal.abort() })
    const [error] = await once(child, 'error')
    expect(error).to.have.property('name', 'AbortError')
    await sender.send(5)
    expect(await receiver.recv()).to.equal(5)
    sender.close()
    receiver.close()
  })

  it('leaves the ends usable when node throws', () => {
    const [sender, receiver] = channel<number>()
    expect(() => spawn('true', ['\0'], { channels: { sender } })).to.throw(/null bytes/)
    sender.sendSync(5)
    expect(receiver.recvSync()).to.equal(5)
    sender.close()
    receiver.close()
  })

  it('tells a program in another language where its ends are', async () => {
    const [sender, receiver] = channel<string>()
    const script = `import json, os, struct
row = json.loads(os.environ["WORMHOLE_CHANNELS"])["out"]
payload = json.dumps(sorted(row)).encode()
os.write(row["fd"], struct.pack("=Q", len(payload)) + payload)`
    spawn('python3', ['-c', script], { channels: { out: sender }, stdio: 'inherit' })
    expect(await receiver.recv()).to.deep.equal(['coalesce', 'end', 'fd', 'inode', 'maxMessageBytes'])
    receiver.close()
  })
})

describe('inherited', () => {
  it('says so in a process that was not given channels', async () => {
    const { code, stderr } = await start(process.execPath, [fixture('inheriting')]).ended
    expect(code).to.equal(1)
    expect(stderr).to.include('ERR_WORMHOLE_NO_CHANNEL').and.include('was not started with channels')
  })

  it('recognises a table that was meant for another process', async () => {
    const table = { requests: { fd: 0, end: 'receiver', inode: 1, coalesce: true, maxMessageBytes: 1024 } }
    const child = spawn(process.execPath, [fixture('inheriting')], {
      env: { ...process.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.kill()
    await once(child, 'exit')
    const { code, stderr } = await start('env', [
      `WORMHOLE_CHANNELS=${JSON.stringify(table)}`,
      process.execPath,
      fixture('inheriting'),
    ]).ended
    expect(code).to.equal(1)
    expect(stderr).to.include('was meant for another process')
  })
})
