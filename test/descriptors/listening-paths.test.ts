import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { accept, connect, listen, sendmsg } from 'wormhole-ipc/socket'
import { fixture } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { range } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'
import { sized } from '../helpers/long.js'
import { usesChildren } from '../helpers/uses-children.js'

/** Processes that want the same path at once. */
const RIVALS = sized(3, 4)
const types = ['seqpacket', 'stream', 'dgram'] as const

describe('the path of a listening socket', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const inFolder = hasFolder()
  const modeOf = (path: string) => statSync(path).mode & 0o777

  it('has the mode that was asked for, whatever the umask; 0600 by default', () => {
    for (const umask of [0, 0o22, 0o777]) {
      const before = process.umask(umask)
      keep(listen(inFolder(`default-${umask}`)))
      for (const mode of [0o600, 0o660, 0o666, 0o777, 0]) keep(listen(inFolder(`${umask}-${mode}`), { mode }))
      process.umask(before)
      expect(modeOf(inFolder(`default-${umask}`))).to.equal(0o600)
      for (const mode of [0o600, 0o660, 0o666, 0o777, 0]) expect(modeOf(inFolder(`${umask}-${mode}`))).to.equal(mode)
    }
  })

  it('is replaced if the process that had it is gone, also one of another type', async () => {
    const path = inFolder('socket')
    for (const before of types) {
      for (const type of types) {
        keep(listen(path, { type: before })).close()
        const listening = keep(listen(path, { type }))
        const client = keep(await connect(path, { type }))
        if (type === 'dgram') await sendmsg(client, Buffer.from('x'))
        else keep(await accept(listening))
        listening.close()
      }
    }
    expect(readdirSync(inFolder('.'))).to.deep.equal(['socket'])
  })

  it('is left to the process that has it, which notices nothing', async () => {
    const path = inFolder('socket')
    for (const before of types) {
      const first = keep(listen(path, { type: before }))
      for (const type of types) {
        const { message } = throwsCode(() => listen(path, { type }), 'ERR_WORMHOLE_ADDRESS_IN_USE')
        expect(message).to.equal(`cannot listen on ${path}: another process has it`)
      }
      if (before !== 'dgram') {
        const client = keep(await connect(path, { type: before }))
        await sendmsg(client, Buffer.from('the first that comes'))
        const accepted = keep(await accept(first))
        expect((await import('wormhole-ipc/socket')).peerCredentials(accepted).pid).to.equal(process.pid)
      }
      first.close()
    }
  })

  it('that is a name of the abstract namespace has one owner', () => {
    const name = `@wormhole-${process.pid}-one`
    const first = keep(listen(name))
    throwsCode(() => listen(name), 'ERR_WORMHOLE_ADDRESS_IN_USE')
    first.close()
    keep(listen(name))
  })

  it('is never taken from what is not a socket', () => {
    writeFileSync(inFolder('file'), 'kept')
    mkdirSync(inFolder('directory'))
    symlinkSync('nowhere', inFolder('dangling'))
    keep(listen(inFolder('target'))).close()
    symlinkSync('target', inFolder('link'))
    for (const name of ['file', 'directory', 'dangling', 'link']) {
      const before = lstatSync(inFolder(name)).ino
      const { message } = throwsCode(() => listen(inFolder(name)), 'ERR_WORMHOLE_ADDRESS_IN_USE')
      expect(message).to.include('not a socket')
      expect(lstatSync(inFolder(name)).ino).to.equal(before)
    }
    expect(readdirSync(inFolder('.')).sort()).to.deep.equal(['dangling', 'directory', 'file', 'link', 'target'])
  })

  it('goes to exactly one of several processes that start at the same moment', async () => {
    const path = inFolder('socket')
    for (let round = 0; round < sized(2, 50); round++) {
      // What a process left that is gone; in half of the rounds there is nothing.
      if (round % 2 === 0) keep(listen(path)).close()
      const children = range(RIVALS).map(() =>
        spawn(process.execPath, [fixture('listens-once'), path], { stdio: ['pipe', 'pipe', 'inherit'] })
      )
      const lines = children.map((child) => child.stdout.setEncoding('utf8'))
      await Promise.all(lines.map((line) => once(line, 'data')))
      const answers = lines.map((line) => once(line, 'data'))
      for (const child of children) child.stdin.write('now')
      const outcomes = (await Promise.all(answers)).map(([line]) => (line as string).trim())
      expect(outcomes.filter((outcome) => outcome === 'listens')).to.have.length(1)
      expect(outcomes.filter((outcome) => outcome === 'ERR_WORMHOLE_ADDRESS_IN_USE')).to.have.length(RIVALS - 1)
      const winner = children[outcomes.indexOf('listens')]
      expect(await text((await connect(path)).toSocket())).to.equal(String(winner?.pid))
      const ended = children.map((child) => once(child, 'close'))
      for (const child of children) child.stdin.end()
      await Promise.all(ended)
      expect(readdirSync(inFolder('.'))).to.deep.equal(['socket'])
      unlinkSync(path)
    }
  })

  it('stays, when a process that has no right to remove it finds it', function () {
    if (process.getuid?.() !== 0) this.skip()
    const path = inFolder('socket')
    keep(listen(path, { mode: 0o666 })).close()
    chmodSync(inFolder('.'), 0o755)
    process.seteuid?.(50_000)
    try {
      const { message } = throwsCode(() => listen(path), 'ERR_WORMHOLE_ADDRESS_IN_USE')
      expect(message).to.include('may not be replaced: EACCES')
    } finally {
      process.seteuid?.(0)
    }
    expect(lstatSync(path).isSocket()).to.equal(true)
  })
})
