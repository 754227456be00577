import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { Receiver, Sender } from 'wormhole-ipc'
import { listen } from 'wormhole-ipc/listen'
import { socketpair } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { start } from '../helpers/child.js'
import { type Block, blocksOf, compile, documents, folderOf } from '../helpers/code-blocks.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
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

    it('runs jobs in a pool', async () => {
      expect(await outputOf(readme, fileWith(readme, 'jobs.map'))).to.equal('55\n6765\n832040\n')
    })

    it('calls a function of a child', async () => {
      expect(await outputOf(readme, fileWith(readme, 'caller<Handlers>(ours)'))).to.equal('42\n')
    })

    it('brings messages to a child and back', async () => {
      expect(await outputOf(readme, fileWith(readme, 'jobs.sendAll'))).to.equal('1\n4\n9\n')
    })

    it('brings a file descriptor along with a message', async () => {
      expect(await outputOf(readme, fileWith(readme, 'sendWithFds'))).to.equal('hosts true\n')
    })
  })

  describe('the programs in docs/channels.md', () => {
    const page = 'docs/channels.md'

    it('sends, receives, and ends', async () => {
      expect(await outputOf(page, fileWith(page, 'every sender is closed'))).to.equal('job 1\nevery sender is closed\n')
    })

    it('selects between two channels', async () => {
      const printed = await outputOf(page, fileWith(page, 'await select('))
      expect(printed.trim().split('\n').sort()).to.deep.equal(['job 1', 'stop: enough'])
    })

    it('loses nothing when it gives up', async () => {
      expect(await outputOf(page, fileWith(page, 'AbortSignal.timeout'))).to.equal('TimeoutError\nhere\n')
    })

    it('shows a Date that arrives as a string', async () => {
      expect(await outputOf(page, fileWith(page, 'Date'))).to.equal('1970 0\n')
    })

    it('checks with a schema what arrives', async () => {
      expect(await outputOf(page, fileWith(page, 'schema: id'))).to.equal('1\nERR_WORMHOLE_INVALID\n')
    })
  })

  describe('the programs in docs/processes.md', () => {
    const page = 'docs/processes.md'

    it('shares work between two children', async () => {
      const printed = await outputOf(page, fileWith(page, 'todo.clone()'))
      expect(printed.trim().split('\n').map(Number).sort()).to.deep.equal([2, 4, 6])
    })

    it('brings a message from a child to its parent', async () => {
      const printed = await outputOf(page, fileWith(page, 'process.send === undefined'))
      expect(printed).to.equal("{ a: 1776, b: 'hello world!', c: [ 5, 4, 3, 2, 1 ] }\n")
    })

    it('runs one function in a fresh process', async () => {
      expect(await outputOf(page, fileWith(page, 'await forkAndRun'))).to.equal('6\n')
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

    it('has a worker that does the jobs of its parent', async () => {
      expect(await outputOf(page, fileWith(page, "import { fork } from 'wormhole-ipc/process'"))).to.equal('1 true\n')
    })

    it('waits when the other side is slow', async () => {
      expect(await outputOf(page, fileWith(page, 'jobs.sendAll(all())'))).to.equal('1000000\n')
    })

    it('shares work among several children', async () => {
      const printed = await outputOf(page, fileWith(page, 'todo.clone()'))
      const jobs = printed.trim().split('\n').sort()
      expect(jobs).to.deep.equal([1, 2, 3, 4, 5].map((id) => `${id} true`))
    })

    it('sends a handle', async () => {
      expect(await outputOf(page, fileWith(page, 'sendWithFds'))).to.equal('a file 1 file\n')
    })

    it('asks a child, which asks back', async () => {
      const printed = '[ 6, 9 ]\nenough\nERR_WORMHOLE_CALL_THREW true -1 has no root\nhello parent\n'
      expect(await outputOf(page, fileWith(page, '// asks.ts'))).to.equal(printed)
    })
  })

  describe('the programs in docs/migrating-from-piscina.md', () => {
    const page = 'docs/migrating-from-piscina.md'

    it('runs a job that tells how far it is', async () => {
      expect(await outputOf(page, fileWith(page, 'onProgress'))).to.equal('1\n2\n3\n3 pages\n')
    })

    it('closes after its jobs', async () => {
      expect(await outputOf(page, fileWith(page, 'allSettled'))).to.equal('')
    })

    it('takes what it maps as there is room', async () => {
      expect(await outputOf(page, fileWith(page, 'createReadStream'))).to.equal('true\n')
    })

    it('gives a job the end of a channel', async () => {
      expect(await outputOf(page, fileWith(page, 'fds: [theirs]'))).to.equal('6\n')
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

    it('calls what it serves', async () => {
      expect(await outputOf(page, fileWith(page, 'await api.double'))).to.equal('42\n1\n2\ndone\n')
    })

    it('runs jobs in a pool, in order', async () => {
      expect(await outputOf(page, fileWith(page, 'jobs.map'))).to.equal('2\n4\n6\n')
    })
  })

  describe('the programs in docs/bytes.md', () => {
    const page = 'docs/bytes.md'

    it('carries a Buffer to a child', async () => {
      const digest = createHash('md5')
        .update('abcd'.repeat(640 * 480))
        .digest('hex')
        .slice(0, 8)
      expect(await outputOf(page, fileWith(page, '// image.ts'))).to.equal(`640 1228800 ${digest}\n`)
    })

    it('reads numbers of a table', async () => {
      expect(await outputOf(page, fileWith(page, 'Float64Array.from'))).to.equal('90000\n')
    })
  })

  describe('the programs in docs/descriptors.md', () => {
    const page = 'docs/descriptors.md'

    it('moves a file, and its duplicate', async () => {
      const printed = await outputOf(page, fileWith(page, 'file.dup()'))
      expect(printed).to.equal('-1\na duplicate file true\nthe file file false\n')
    })

    it('hands over a connection with every byte', async () => {
      expect(await outputOf(page, fileWith(page, 'pauseOnConnect: true'))).to.equal('127.0.0.1 every byte\n')
    })

    it('hands over a server', async () => {
      expect(await outputOf(page, fileWith(page, 'toServer()'))).to.equal('served by the successor\n')
    })

    it('sends a descriptor over a raw socket', async () => {
      expect(await outputOf(page, fileWith(page, 'await accept('))).to.equal('standard output 1\n')
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

  describe('the peer in Python of docs/wire.md', () => {
    usesChildren()
    leavesNoDescriptors()
    const { keep, open } = closesEnds()

    it('gets an end by its name', async () => {
      const client = blocksOf('docs/wire.md').find(({ code }) => code.includes('recv_fds'))
      await using listener = await listen(`@wormhole-documents-${process.pid}`)
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
