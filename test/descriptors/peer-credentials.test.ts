import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { peerCredentials, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { usesChildren } from '../helpers/uses-children.js'

/** The user and the group nobody, wherever there is none of that number. */
const NOBODY = 65534

const CONNECT = `require('node:net').connect('\\0' + process.argv[1]).resume()`

describe('peerCredentials', () => {
  usesChildren()
  leavesNoDescriptors()

  /** Has a program connect to a server here, as another user perhaps; looks at its credentials as a server would. */
  async function accepted(identity: { uid?: number; gid?: number }) {
    const name = `wormhole-credentials-${process.pid}`
    const server = createServer().listen(`\0${name}`)
    await once(server, 'listening')
    const client: ChildProcess = spawn(process.execPath, ['-e', CONNECT, name], {
      ...identity,
      cwd: '/',
      stdio: 'ignore',
      env: {},
    })
    const [connection] = (await once(server, 'connection')) as [Socket & { _handle: { fd: number } }]
    const credentials = peerCredentials(connection._handle)
    connection.destroy()
    await Promise.all([once(server.close(), 'close'), once(client, 'exit')])
    return { credentials, client }
  }

  it('tell a server which process of which user has connected', async () => {
    const { credentials, client } = await accepted({})
    expect(credentials).to.deep.equal({ pid: client.pid, uid: process.getuid?.(), gid: process.getgid?.() })
  })

  it('tell it of another user', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can start a program of another user')
      this.skip()
    }
    const { credentials, client } = await accepted({ uid: NOBODY, gid: NOBODY })
    expect(credentials).to.deep.equal({ pid: client.pid, uid: NOBODY, gid: NOBODY })
  })

  it('name who made a pair, not who has the other end by now', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can start a program of another user')
      this.skip()
    }
    const [ours, theirs] = socketpair('stream')
    const program = `new (require('node:net').Socket)({ fd: 3 }).resume()`
    const stdio = ['ignore', 'ignore', 'ignore', theirs.fd] as const
    const child = spawn(process.execPath, ['-e', program], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
      stdio: [...stdio],
      env: {},
    })
    theirs.close()
    expect(peerCredentials(ours)).to.deep.equal({ pid: process.pid, uid: 0, gid: process.getgid?.() })
    ours.close()
    expect(await once(child, 'exit')).to.deep.equal([0, null])
  })
})
