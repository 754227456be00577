import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect as connectTo, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { listen, type OwnedFd, recvmsg } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { leaveOut, needs } from '../helpers/installed.js'
import { addressOf, listen as listenWithNode, textFrom } from '../helpers/net.js'
import { pixelsIn } from '../helpers/pixels.js'
import { exampleFile, type Running, usesPrograms } from '../helpers/running.js'
import { until } from '../helpers/until.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('the real examples', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const { run, example, path } = usesPrograms()

  describe('a service whose socket its manager keeps', () => {
    /** Receives a notification. */
    async function notified(manager: OwnedFd): Promise<[text: string, fds: OwnedFd[]]> {
      const buffer = Buffer.alloc(4096)
      const { bytes, fds } = await recvmsg(manager, buffer)
      return [buffer.toString('utf8', 0, bytes), fds.map(keep)]
    }

    for (const kind of ['path', 'abstract name'] as const) {
      it(`serves with the same socket after it was killed, by a notify socket with ${kind === 'path' ? 'a' : 'an'} ${kind}`, async () => {
        const NOTIFY_SOCKET = kind === 'path' ? path('notify') : `@wormhole-notify-${process.pid}`
        const manager = keep(listen(NOTIFY_SOCKET, { type: 'dgram' }))
        const env = { ...process.env, NOTIFY_SOCKET }
        const address = { path: path('http') }
        const first = example('real/notify', [address.path], { env })
        const [state, [stored]] = await notified(manager)
        expect([state, stored?.kind]).to.deep.equal(['FDSTORE=1\nFDNAME=http', 'socket'])
        expect(await notified(manager)).to.deep.equal(['READY=1\nSTATUS=serving', []])
        expect(await textFrom(connectTo(address))).to.equal(`process ${first.process.pid}\n`)

        expect(await first.end('SIGKILL')).to.equal('SIGKILL')
        // Nobody serves now, and nobody is refused.
        const between = textFrom(connectTo(address))
        const args = ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, exampleFile('real/notify'), address.path]
        const second = run('sh', args, {
          env: { ...env, LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' },
          stdio: ['ignore', 'pipe', 'pipe', stored?.fd],
        })
        expect(await notified(manager)).to.deep.equal(['READY=1\nSTATUS=serving', []])
        expect(await between).to.equal(`process ${second.process.pid}\n`)
        second.process.kill()
        expect(await notified(manager)).to.deep.equal(['STOPPING=1', []])
        expect([await second.ended, first.output + second.output]).to.deep.equal([0, ''])
      })
    }

    it('is told of as systemd-notify tells', async function () {
      needs(this, 'systemd-notify')
      const NOTIFY_SOCKET = path('notify')
      const manager = keep(listen(NOTIFY_SOCKET, { type: 'dgram' }))
      const notifier = run('systemd-notify', ['--ready', '--status=serving'], {
        env: { ...process.env, NOTIFY_SOCKET },
      })
      expect(await notified(manager)).to.deep.equal(['READY=1\nSTATUS=serving', []])
      // It waits until the manager has read all of it, and closed this.
      const [barrier, fds] = await notified(manager)
      expect([barrier, fds.map(({ kind }) => kind)]).to.deep.equal(['BARRIER=1', ['pipe']])
      fds[0]?.close()
      expect(await notifier.ended).to.equal(0)
    })
  })

  it('send an open file through dbus-daemon', async function () {
    needs(this, 'dbus-daemon', 'dbus-monitor')
    const allowed = [
      'send_destination="*" eavesdrop="true"',
      'receive_sender="*" eavesdrop="true"',
      'own="*"',
      'user="*"',
    ]
    const rules = allowed.map((what) => `<allow ${what}/>`).join('')
    const DBUS_SESSION_BUS_ADDRESS = `unix:path=${path('bus')}`
    const listening = `<listen>${DBUS_SESSION_BUS_ADDRESS}</listen><auth>EXTERNAL</auth>`
    writeFileSync(path('conf'), `<busconfig>${listening}<policy context="default">${rules}</policy></busconfig>`)
    const daemon = run('dbus-daemon', [`--config-file=${path('conf')}`, '--nofork', '--print-address'])
    await daemon.says(DBUS_SESSION_BUS_ADDRESS)
    const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS }
    const monitor = run('dbus-monitor', ['--session'], { env })
    await monitor.says('NameLost')
    const reader = example('real/dbus/main', ['serve'], { env })
    await reader.says('serving as org.example.Reader')

    writeFileSync(path('file'), 'the text of the file\n')
    const file = openSync(path('file'), 'r')
    const sender = example('real/dbus/main', ['print'], { env, stdio: [file, 'pipe', 'pipe'] })
    closeSync(file)
    expect([await sender.ended, sender.output]).to.deep.equal([0, ''])
    expect([await reader.ended, reader.output]).to.deep.equal([
      0,
      'serving as org.example.Reader\nfile: the text of the file\n',
    ])
    // The daemon's own tool sees a descriptor in the call.
    await monitor.says('member=Print')
    await monitor.says('file descriptor')
  })

  it('show the terminal of a container that crun runs', async function () {
    needs(this, 'crun', 'unshare')
    const root = path('rootfs')
    mkdirSync(root)
    for (const folder of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder))
    /** The bundle of a container that runs a command of this system. */
    const bundle = (name: string, terminal: boolean, command: string): string => {
      const mount = (destination: string, type: string, options: string[] = []) => ({
        destination,
        type,
        source: type,
        options,
      })
      const config = {
        ociVersion: '1.0.2',
        process: {
          terminal,
          user: { uid: 0, gid: 0 },
          args: ['/bin/sh', '-c', command],
          env: ['PATH=/usr/bin'],
          cwd: '/',
        },
        root: { path: root },
        mounts: [
          mount('/proc', 'proc'),
          { ...mount('/usr', 'bind', ['rbind', 'ro']), source: '/usr' },
          mount('/dev', 'tmpfs'),
          mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666']),
        ],
        linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
      }
      mkdirSync(path(name))
      writeFileSync(join(path(name), 'config.json'), JSON.stringify(config))
      return path(name)
    }
    // crun refuses a system with cgroups of both versions: it sees the second alone in a mount namespace of its own.
    const alone = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
    const inside = (...command: string[]): [string, string[]] => [
      'unshare',
      ['-m', 'sh', '-c', alone, 'sh', ...command],
    ]
    const plain = [
      'crun',
      '--root',
      path('state'),
      'run',
      '--bundle',
      bundle('plain', false, 'true'),
      `p${process.pid}`,
    ]
    const tried = spawnSync(...inside(...plain), { encoding: 'utf8' })
    if (tried.status !== 0) leaveOut(this, `crun cannot run a container here: ${tried.stderr.trim()}`)

    const shown = bundle('shown', true, 'test -t 0 && test -t 1 && stty size </dev/tty; echo in the container; exit 7')
    const program = run(...inside(process.execPath, exampleFile('real/console'), shown))
    expect(await program.ended, program.output).to.equal(0)
    expect(program.output.replaceAll('\r', '')).to.match(
      /^the terminal is a character-device\n\d+ \d+\nin the container\nthe container has ended with 7\n$/
    )
  })

  it('take the listening sockets of a haproxy that ends', async function () {
    needs(this, 'haproxy')
    const configure = (port: number) => `
global
  stats socket ${path('stats')} mode 600 expose-fd listeners
defaults
  mode http
  timeout connect 60s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "served by haproxy"
`
    /** Starts haproxy on a port that was free a moment ago; undefined if another process has taken it since. */
    const start = async (port: number) => {
      writeFileSync(path('config'), configure(port))
      const started = run('haproxy', ['-db', '-f', path('config')])
      let over = false
      void started.ended.then(() => {
        over = true
      })
      await until('haproxy listens or ends', () => over || portsOf(started.process.pid as number).includes(port))
      return over ? undefined : started
    }
    let port = 0
    let haproxy: Running | undefined
    for (let tries = 0; haproxy === undefined && tries < 5; tries++) {
      const free = await listenWithNode('tcp')
      port = (addressOf(free) as { port: number }).port
      free.close()
      haproxy = await start(port)
    }
    if (haproxy === undefined) throw new Error('haproxy does not start')
    const get = async () => {
      const client = connectTo({ host: '127.0.0.1', port } as NetConnectOpts)
      client.write('GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n')
      return (await textFrom(client)).split('\r\n\r\n')[1]?.trim()
    }
    expect(await get()).to.equal('served by haproxy')
    const successor = example('real/takeover', [path('stats')])
    await successor.says(`serving port ${port}\n`)
    // Ends once what it has accepted is answered.
    const ended = haproxy.end('SIGUSR1')
    const answers = await Promise.all(Array.from({ length: 50 }, get))
    expect(new Set(answers).size).to.be.at.least(1)
    for (const answer of answers) expect(answer).to.be.oneOf(['served by haproxy', 'served by Node'])
    await ended
    for (let count = 0; count < 5; count++) expect(await get()).to.equal('served by Node')
    expect(successor.output).to.equal(`serving port ${port}\n`)
  })

  it('read an image through skopeo', async function () {
    needs(this, 'skopeo')
    const layer = randomBytes(300_000)
    const described = (mediaType: string, bytes: Buffer) => {
      const digest = createHash('sha256').update(bytes).digest('hex')
      writeFileSync(join(path('image'), 'blobs', 'sha256', digest), bytes)
      return { mediaType: `application/vnd.oci.image.${mediaType}`, digest: `sha256:${digest}`, size: bytes.length }
    }
    const json = (value: unknown) => Buffer.from(JSON.stringify(value))
    mkdirSync(join(path('image'), 'blobs', 'sha256'), { recursive: true })
    const layers = [described('layer.v1.tar', layer)]
    const config = described(
      'config.v1+json',
      json({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layers[0]?.digest] } })
    )
    const manifest = described('manifest.v1+json', json({ schemaVersion: 2, config, layers }))
    writeFileSync(join(path('image'), 'index.json'), json({ schemaVersion: 2, manifests: [manifest] }))
    writeFileSync(join(path('image'), 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))

    const program = example('real/image', [`oci:${path('image')}`])
    expect(await program.ended, program.output).to.equal(0)
    const lines = [config, ...layers].map(
      ({ mediaType, digest, size }) => `${mediaType} ${digest.slice(0, 19)} ${size}`
    )
    expect(program.output.trim().split('\n').slice(1)).to.deep.equal(lines)
    expect(program.output).to.match(/^protocol 0\.\d/)

    const missing = example('real/image', [`oci:${path('none')}`])
    expect(await missing.ended).to.equal(1)
    expect(missing.output).to.include('OpenImage: ')
  })

  it('show a frame on a Wayland compositor', async function () {
    needs(this, 'weston', 'weston-screenshooter')
    const env = { ...process.env, XDG_RUNTIME_DIR: path(''), WAYLAND_DISPLAY: 'display' }
    const args = [
      '--backend=headless-backend.so',
      '--use-pixman',
      '--socket=display',
      '--idle-time=0',
      '--debug',
      '--no-config',
    ]
    const compositor = run('weston', args, { env })
    await compositor.says("launching '")
    const window = example('real/wayland/main', ['2266aa'], { env })
    await window.says('shown: 320 x 200 pixels of 2266aa\n')
    // What weston's own tool sees: a window fades in, and then has every pixel.
    for (let count = 0; count !== 320 * 200; ) {
      const shooter = run('weston-screenshooter', [], { env, cwd: path('') })
      expect(await shooter.ended, shooter.output).to.equal(0)
      const [picture] = readdirSync(path('')).filter((name) => name.endsWith('.png'))
      count = pixelsIn(path(picture as string)).get('2266aa') ?? 0
      rmSync(path(picture as string))
    }
    await window.end()
    expect(await compositor.end()).to.equal(0)
  })
})

/** What the descriptors of a process lead to; nothing once it has ended. */
function linksOf(pid: number): string[] {
  if (!existsSync(`/proc/${pid}/fd`)) return []
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      // Closed since it was listed.
      return []
    }
  })
}

/** The TCP ports on which a process listens; none once it has ended. */
function portsOf(pid: number): number[] {
  const links = linksOf(pid)
  const lines = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1)
  const sockets = lines.map((line) => line.trim().split(/\s+/))
  const LISTEN = '0A'
  return sockets
    .filter(([, , , state, , , , , , inode]) => state === LISTEN && links.includes(`socket:[${inode}]`))
    .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16))
}
