import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { pool } from 'wormhole-ipc/pool'
import { forkAndRun } from 'wormhole-ipc/process'
import { javascript } from '../helpers/pools.js'

/** A program that imports nothing, and makes an end of a descriptor that it is given. */
const IN_A_JOB = javascript('export default async (_, { fds }) => fds[0].receiver().recv()')
const IN_A_FUNCTION = javascript(
  'export default async (_, { jobs }) => { const [, [fd]] = await jobs.recvWithFds(); return fd.receiver().recv() }'
)

describe('a received descriptor becomes the end of a channel', () => {
  it('in a job of a pool, though the module imports nothing of the library', async () => {
    const jobs = pool<null, string>(IN_A_JOB, { size: 1 })
    const [sender, receiver] = channel<string>()
    await sender.send('through a job')
    expect(await jobs.run(null, { fds: [receiver] })).to.equal('through a job')
    await jobs.close()
    sender.close()
  })

  it('in a function of forkAndRun, though the module imports nothing of the library', async () => {
    const [sender, receiver] = channel<string>()
    const [jobs, theirs] = channel<null>()
    await sender.send('through a function')
    const result = forkAndRun<string>(IN_A_FUNCTION, null, { channels: { jobs: theirs } })
    await jobs.sendWithFds(null, [receiver])
    expect(await result).to.equal('through a function')
    for (const end of [sender, jobs]) end.close()
  })
})
