import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect } from 'chai'
import { crashIn, startExample } from '../helpers/example.js'
import { addressOf } from '../helpers/net.js'
import { usesServices } from '../helpers/service.js'

describe('the service example, when it is to stop or cannot start,', () => {
  const start = usesServices()

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`answers what is under way at a ${signal}, and ends`, async () => {
      const service = await start(['--workers', '2'])
      const [pid] = await service.freeze()
      const answers = Array.from({ length: 4 }, () => service.get('factors/6'))
      await service.occupied(2, 2)
      service.child.process.kill(signal)
      await service.logged('stopping')
      // Also while it stops, a worker may die.
      process.kill(pid!, 'SIGKILL')
      service.thaw()
      for (const { status, headers } of await Promise.all(answers)) {
        expect(status).to.equal(200)
        // Nobody shall send the next request over a connection that ends.
        expect(headers.get('connection')).to.equal('close')
      }
      expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    })
  }

  it('is not held up by connections without a request', async () => {
    const service = await start(['--workers', '1'])
    const { hostname, port } = new URL(service.url)
    const silent = connect(Number(port), hostname)
    await once(silent, 'connect')
    // The kept connection of this answer is another one; by now, the server has accepted both.
    await service.health()
    service.child.process.kill('SIGTERM')
    expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    silent.destroy()
  })

  it('ends at once at a second signal, and so do its workers', async () => {
    const service = await start(['--workers', '2'])
    await service.freeze()
    const answers = [1, 2, 3].map(() => service.get('factors/6').catch(() => 'cut off'))
    await service.occupied(2, 1)
    service.child.process.kill('SIGTERM')
    await service.logged('stopping')
    service.child.process.kill('SIGTERM')
    expect(await service.child.ended).to.include({ code: 1, signal: null, stderr: '' })
    expect(await Promise.all(answers)).to.deep.equal(['cut off', 'cut off', 'cut off'])
  })

  it('leaves the end of its workers to itself when a signal is for all', async () => {
    const service = await start(['--workers', '2'])
    const pids = await service.freeze()
    const answers = Array.from({ length: 2 }, () => service.get('factors/6'))
    await service.occupied(2, 0)
    for (const pid of [...pids, service.child.process.pid!]) process.kill(pid, 'SIGINT')
    await service.logged('stopping')
    service.thaw()
    expect((await Promise.all(answers)).map(({ status }) => status)).to.deep.equal([200, 200])
    expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    const ends = service.log.filter(({ msg }) => msg === 'worker ended')
    expect(ends.map(({ worker }) => worker)).to.have.members(pids)
    for (const { how } of ends) expect(how).to.not.equal('SIGINT')
  })

  it('leaves no worker behind, idle or at work, when it is killed', async () => {
    const service = await start(['--workers', '2'])
    await service.freeze()
    const answer = service.get('factors/6').catch(() => 'cut off')
    await service.occupied(1, 0)
    service.child.process.kill('SIGKILL')
    expect(await answer).to.equal('cut off')
    service.thaw()
    expect(await service.child.ended).to.include({ code: null, signal: 'SIGKILL', stderr: '' })
  })

  it('fails when its workers do not start', async () => {
    const args = ['--port', '0', '--workers', '2']
    const { code, stdout, stderr } = await startExample('service', args, crashIn('worker.js')).ended
    expect(stderr).to.match(/^service: a process of the pool exited with code 7\n$/)
    expect(stdout).not.to.include('listening')
    expect(code).to.equal(1)
  })

  it('fails when the port is taken, and leaves no worker behind', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = addressOf(server) as { port: number }
    const { code, stderr } = await startExample('service', ['--port', `${port}`]).ended
    expect(stderr).to.equal(`service: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`)
    expect(code).to.equal(1)
    await once(server.close(), 'close')
  })
})
