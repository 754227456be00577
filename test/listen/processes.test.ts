import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { expect } from 'chai'
import type { Receiver } from 'wormhole-ipc'
import { connect, listen } from 'wormhole-ipc/listen'
import { accept, connect as connectSocket, listen as listenSocket, recvmsg } from 'wormhole-ipc/socket'
import { fixture, start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { hasFolder } from '../helpers/folder.js'
import { sized } from '../helpers/long.js'
import { isBlocking } from '../helpers/proc.js'
import { until } from '../helpers/until.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('names among processes', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const inFolder = hasFolder()

  it('reach a service that systemd-socket-activate starts when the first client comes', async function () {
    if (spawnSync('systemd-socket-activate', ['--version']).status !== 0) {
      console.log('      skipped: systemd-socket-activate is not installed')
      this.skip()
    }
    const path = inFolder('socket')
    const service = start('systemd-socket-activate', [
      '--seqpacket',
      `--listen=${path}`,
      process.execPath,
      fixture('activated'),
    ])
    await until('systemd-socket-activate listens', () => existsSync(path))
    const { words } = await connect<{ words: Receiver<string> }>(path)
    expect(await keep(words).recv()).to.equal(`from ${path}`)
    words.close()
    expect(await service.ended).to.include({ code: 0 })
    // Its path is not the listener's to remove.
    expect(statSync(path).isSocket()).to.equal(true)
  })

  it('give ends to workers of node:cluster', async () => {
    expect(await startNode('cluster-primary').ended).to.include({ stdout: '30 true\n', stderr: '', code: 0 })
  })

  it('reach the next listener after the first was killed', async () => {
    const path = inFolder('socket')
    const child = startNode('listen-client', [path])
    // What a listener leaves that is killed before it has answered: a path, and the end of a connection.
    const first = keep(listenSocket(path, { type: 'seqpacket' }))
    const unanswered = keep(await accept(first))
    first.close()
    unanswered.close()
    await using second = await listen(path)
    const client = await second.accept()
    expect(client.credentials.pid).to.equal(child.process.pid)
    await client.refuse('that is all')
    expect((await child.ended).stderr).to.include('ERR_WORMHOLE_REFUSED')
  })

  it('accept on one socket in several processes: each connection goes to exactly one, and none blocks', async () => {
    const path = inFolder('socket')
    const listening = keep(listenSocket(path, { type: 'seqpacket' }))
    const program = `
      import { accept, sendmsg } from 'wormhole-ipc/socket'
      console.log('ready')
      process.stdin.once('end', () => process.exit(0)).resume()
      for (;;) {
        const connection = await accept(3)
        await sendmsg(connection, Buffer.from(String(process.pid)))
        connection.close()
      }`
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['pipe', 'pipe', 'inherit', listening.fd],
      })
    )
    await Promise.all(children.map((child) => once(child.stdout!, 'data')))
    let answers = 0
    for (let round = 0; round < sized(20, 500); round++) {
      const connections = await Promise.all(
        Array.from({ length: 10 }, () => connectSocket(path, { type: 'seqpacket' }))
      )
      for (const connection of connections) {
        const buffer = Buffer.alloc(20)
        const { bytes } = await recvmsg(connection, buffer)
        expect(children.map(({ pid }) => String(pid))).to.include(buffer.toString('utf8', 0, bytes))
        answers++
        connection.close()
      }
    }
    expect(answers).to.equal(10 * sized(20, 500))
    expect(isBlocking(listening.fd)).to.equal(true)
    const ended = children.map((child) => once(child, 'close'))
    for (const child of children) child.stdin!.end()
    for (const [code] of await Promise.all(ended)) expect(code).to.equal(0)
    const own = accept(listening)
    keep(await connectSocket(path, { type: 'seqpacket' }))
    keep(await own)
  })
})
