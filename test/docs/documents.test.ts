import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import { Receiver, Sender } from 'wormhole-ipc'
import { listen } from 'wormhole-ipc/listen'
import { socketpair } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { start, startNode } from '../helpers/child.js'
import { type Block, blocksOf, compile, documents, folderOf } from '../helpers/code-blocks.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { hasFolder } from '../helpers/folder.js'
import { usesServer } from '../helpers/nats.js'
import { usesChildren } from '../helpers/uses-children.js'

const pages = documents()

function blocksIn(language: string): Block[] {
  return pages.flatMap(blocksOf).filter((block) => block.language === language)
}

/** Runs a compiled block in the folder of its document; resolves to what it printed. */
async function outputOf(document: string, file: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await start('env', ['-C', folderOf(document), process.execPath, file, ...args]).ended
  expect(code, stderr).to.equal(0)
  expect(stderr).to.equal('')
  return stdout
}

type Check = (printed: string) => void

/**
 * In a `describe`: has one process run programs of a document, one after the other, before the tests; each begins once
 * nothing is left to do for the one before. Adds a test of what the program with this text prints.
 */
function playsPrograms(document: string): (title: string, text: string, check: Check) => void {
  const files: string[] = []
  let printed: string[] = []
  before(async function () {
    this.timeout(120_000)
    const { code, stdout, stderr } = await startNode('programs', files).ended
    expect([code, stderr]).to.deep.equal([0, ''])
    printed = stdout.split('\0')
    expect(printed).to.have.length(files.length + 1)
  })
  return (title, text, check) => {
    const place = files.push(join(folderOf(document), fileWith(document, text))) - 1
    it(title, () => check(printed[place] as string))
  }
}

/** The first block of a document that has this text. */
function fileWith(document: string, text: string): string {
  const block = blocksOf(document).find(({ code }) => code.includes(text))
  expect(block, text).to.not.equal(undefined)
  return (block as Block).file.replace(/\.ts$/, '.js')
}

describe('the code in the documents', () => {
  let wrong: string

  before(() => {
    wrong = compile(pages)
  })

  it('is type-checked, every block of TypeScript', () => {
    expect(wrong).to.equal('')
  })

  it('is JSON where it says so', () => {
    const blocks = blocksIn('json')
    expect(blocks).to.not.have.length(0)
    for (const { code } of blocks) expect(() => JSON.parse(code), code).to.not.throw()
  })

  it('is in a language that is checked or needs no check', () => {
    const languages = new Set(pages.flatMap(blocksOf).map(({ language }) => language))
    expect([...languages].sort()).to.deep.equal(['json', 'python', 'sh', 'text', 'ts'])
  })

  describe('the programs in the README, as printed', () => {
    const readme = 'README.md'
    const plays = playsPrograms(readme)

    plays('runs jobs in a pool', 'jobs.map', (printed) => {
      expect(printed).to.equal('55\n6765\n832040\n')
    })

    plays('calls a function of a child', 'caller<Handlers>(ours)', (printed) => {
      expect(printed).to.equal('42\n')
    })

    plays('brings messages to a child and back', 'jobs.sendAll', (printed) => {
      expect(printed).to.equal('1\n4\n9\n')
    })

    plays('brings a file descriptor along with a message', 'sendWithFds', (printed) => {
      expect(printed).to.equal('hosts true\n')
    })
  })

  describe('the programs in docs/channels.md', () => {
    const page = 'docs/channels.md'
    const plays = playsPrograms(page)

    plays('sends, receives, and ends', 'every sender is closed', (printed) => {
      expect(printed).to.equal('job 1\nevery sender is closed\n')
    })

    plays('selects between two channels', 'await select(', (printed) => {
      expect(printed.trim().split('\n').sort()).to.deep.equal(['job 1', 'stop: enough'])
    })

    plays('loses nothing when it gives up', 'AbortSignal.timeout', (printed) => {
      expect(printed).to.equal('TimeoutError\nhere\n')
    })

    plays('shows a Date that arrives as a string', 'Date', (printed) => {
      expect(printed).to.equal('1970 0\n')
    })

    plays('checks with a schema what arrives', 'schema: id', (printed) => {
      expect(printed).to.equal('1\nERR_WORMHOLE_INVALID\n')
    })
  })

  describe('the programs in docs/processes.md', () => {
    const page = 'docs/processes.md'
    const plays = playsPrograms(page)

    plays('shares work between two children', 'todo.clone()', (printed) => {
      expect(printed.trim().split('\n').map(Number).sort()).to.deep.equal([2, 4, 6])
    })

    plays('brings a message from a child to its parent', 'process.send === undefined', (printed) => {
      expect(printed).to.equal("{ a: 1776, b: 'hello world!', c: [ 5, 4, 3, 2, 1 ] }\n")
    })

    plays('runs one function in a fresh process', 'await forkAndRun', (printed) => {
      expect(printed).to.equal('6\n')
    })
  })

  describe('the programs in docs/testing.md', () => {
    const page = 'docs/testing.md'

    it('are tests that pass', async () => {
      expect(await outputOf(page, fileWith(page, 'node:test'))).to.match(/pass 2\b/)
    })

    it('wait for the exit of a child', async () => {
      expect(await outputOf(page, fileWith(page, "once(child, 'exit')"))).to.equal('0\n')
    })
  })

  describe('the programs in docs/troubleshooting.md', () => {
    const page = 'docs/troubleshooting.md'

    it('lists the open ends', async () => {
      const printed = await outputOf(page, fileWith(page, 'copy.close()'))
      expect(printed).to.equal("[ 'Receiver', 'Sender' ]\n0\n")
    })
  })

  describe('the programs in docs/migrating-from-process-send.md', () => {
    const page = 'docs/migrating-from-process-send.md'
    const plays = playsPrograms(page)

    plays('has a worker that does the jobs of its parent', "import { fork } from 'wormhole-ipc/process'", (printed) => {
      expect(printed).to.equal('1 true\n')
    })

    plays('waits when the other side is slow', 'jobs.sendAll(all())', (printed) => {
      expect(printed).to.equal('1000000\n')
    })

    plays('shares work among several children', 'todo.clone()', (printed) => {
      const jobs = printed.trim().split('\n').sort()
      expect(jobs).to.deep.equal([1, 2, 3, 4, 5].map((id) => `${id} true`))
    })

    plays('sends a handle', 'sendWithFds', (printed) => {
      expect(printed).to.equal('a file 1 file\n')
    })

    plays('asks a child, which asks back', '// asks.ts', (printed) => {
      const told = '[ 6, 9 ]\nenough\nERR_WORMHOLE_CALL_THREW true -1 has no root\nhello parent\n'
      expect(printed).to.equal(told)
    })
  })

  describe('the programs in docs/migrating-from-piscina.md', () => {
    const page = 'docs/migrating-from-piscina.md'
    const plays = playsPrograms(page)

    plays('runs a job that tells how far it is', 'onProgress', (printed) => {
      expect(printed).to.equal('1\n2\n3\n3 pages\n')
    })

    plays('closes after its jobs', 'allSettled', (printed) => {
      expect(printed).to.equal('')
    })

    plays('takes what it maps as there is room', 'createReadStream', (printed) => {
      expect(printed).to.equal('true\n')
    })

    plays('gives a job the end of a channel', 'fds: [theirs]', (printed) => {
      expect(printed).to.equal('6\n')
    })
  })

  describe('the programs in docs/observability.md', () => {
    const page = 'docs/observability.md'

    it('shows what stats() and the events tell, as printed', async () => {
      const outputs = await Promise.all(
        blocksOf(page)
          .filter(({ language }) => language === 'ts')
          .map(({ file }) => outputOf(page, file.replace(/ts$/, 'js')))
      )
      expect(outputs).to.deep.equal(['1 2 true\n', '2\n0\n'])
    })
  })

  describe('the programs in docs/calls-and-pool.md', () => {
    const page = 'docs/calls-and-pool.md'
    const plays = playsPrograms(page)

    plays('calls what it serves', 'await api.double', (printed) => {
      expect(printed).to.equal('42\n1\n2\ndone\n')
    })

    plays('runs jobs in a pool, in order', 'jobs.map', (printed) => {
      expect(printed).to.equal('2\n4\n6\n')
    })
  })

  describe('the programs in docs/bytes.md', () => {
    const page = 'docs/bytes.md'
    const plays = playsPrograms(page)

    plays('carries a Buffer to a child', '// image.ts', (printed) => {
      const digest = createHash('md5')
        .update('abcd'.repeat(640 * 480))
        .digest('hex')
        .slice(0, 8)
      expect(printed).to.equal(`640 1228800 ${digest}\n`)
    })

    plays('reads numbers of a table', 'Float64Array.from', (printed) => {
      expect(printed).to.equal('90000\n')
    })
  })

  describe('the programs in docs/descriptors.md', () => {
    const page = 'docs/descriptors.md'
    const plays = playsPrograms(page)

    plays('moves a file, and its duplicate', 'file.dup()', (printed) => {
      expect(printed).to.equal('-1\na duplicate file true\nthe file file false\n')
    })

    plays('hands over a connection with every byte', 'pauseOnConnect: true', (printed) => {
      expect(printed).to.equal('127.0.0.1 every byte\n')
    })

    plays('hands over a server', 'toServer()', (printed) => {
      expect(printed).to.equal('served by the successor\n')
    })

    plays('sends a descriptor over a raw socket', 'await accept(', (printed) => {
      expect(printed).to.equal('standard output 1\n')
    })
  })

  describe('the programs in docs/nats.md', () => {
    const server = usesServer()
    const page = 'docs/nats.md'

    it('send, and receive in each way', async () => {
      const { url } = server.current
      expect(await outputOf(page, fileWith(page, '// producer.ts'), url)).to.equal('')
      expect(await outputOf(page, fileWith(page, '// consumer.ts'), url)).to.equal('1\n2\n3\n3\n')
    })
  })

  describe('the programs in docs/names.md', () => {
    const page = 'docs/names.md'

    it('meets by name', async () => {
      expect(await outputOf(page, 'meet.js')).to.equal('hello, true\n')
    })

    it('refuses with a reason', async () => {
      expect(await outputOf(page, 'guard.js')).to.equal('ERR_WORMHOLE_REFUSED not today\n')
    })
  })

  describe('the peer in Python of docs/wire.md', () => {
    usesChildren()
    leavesNoDescriptors()
    const { keep, open } = closesEnds()
    const inFolder = hasFolder()

    it('gets an end by its name', async () => {
      const client = blocksOf('docs/wire.md').find(({ code }) => code.includes('recv_fds'))
      await using listener = await listen(inFolder('socket'))
      const child = start('python3', ['-c', client?.code as string, listener.path as string])
      const [sender, news] = open<string>()
      await (await listener.accept()).give({ news })
      await sender.sendAll(['one', 'zwei'])
      sender.close()
      expect(await child.ended).to.include({ stdout: 'one\nzwei\n', code: 0 })
    })

    it('receives and sends over its one socket', async () => {
      const peer = blocksOf('docs/wire.md').find(({ code }) => code.includes('def messages'))
      const program = `${peer?.code}\nfor message in messages():\n    send({"got": message})\n`
      const [ours, theirs] = socketpair('seqpacket')
      const child = start('python3', ['-c', program], [theirs.fd])
      theirs.close()
      const copy = socket.duplicate(ours.fd)
      socket.release(copy)
      const sender = keep(Sender.fromFd(copy))
      const receiver = keep(Receiver.fromFd(ours.detach()))
      await sender.sendAll(['ä', [1, 2]])
      expect([await receiver.recv(), await receiver.recv()]).to.deep.equal([{ got: 'ä' }, { got: [1, 2] }])
      sender.close()
      receiver.close()
      expect((await child.ended).code).to.equal(0)
    })
  })
})
