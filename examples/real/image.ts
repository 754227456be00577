#!/usr/bin/env node
// Reads a container image through skopeo, which knows every place where images are: it is asked in JSON over a socket, and
// answers with pipes that bring the bytes. Usage: node image.js IMAGE, such as oci:FOLDER:TAG or docker://alpine
import { spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { type OwnedFd, recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'

interface Answer {
  success: boolean
  value: unknown
  pipeid: number
  error: string
}

class ImageProxy {
  readonly #socket: OwnedFd

  constructor() {
    const [ours, theirs] = socketpair('seqpacket')
    // The socket is its standard input.
    spawn('skopeo', ['experimental-image-proxy'], { stdio: [theirs.fd, 'inherit', 'inherit'] })
    theirs.close()
    this.#socket = ours
  }

  /** One call at a time: an answer does not say to which call it belongs. */
  async call<T>(method: string, ...args: unknown[]): Promise<{ value: T; pipeid: number; pipe: OwnedFd | undefined }> {
    await sendmsg(this.#socket, Buffer.from(JSON.stringify({ method, args })))
    const packet = Buffer.alloc(64 * 1024)
    const { bytes, fds, end } = await recvmsg(this.#socket, packet)
    if (end) throw new Error('skopeo has ended')
    const { success, value, pipeid, error } = JSON.parse(packet.toString('utf8', 0, bytes)) as Answer
    if (!success) throw new Error(`${method}: ${error}`)
    return { value: value as T, pipeid, pipe: fds[0] }
  }

  /** Ends skopeo. */
  close(): void {
    this.#socket.close()
  }

  /** Reads what a call brings through a pipe. skopeo has checked its digest when FinishPipe succeeds. */
  async read(method: string, ...args: unknown[]): Promise<Buffer> {
    const { pipe, pipeid } = await this.call(method, ...args)
    if (pipe === undefined) throw new Error(`${method} brought no pipe`)
    const [bytes] = await Promise.all([buffer(pipe.readStream()), this.call('FinishPipe', pipeid)])
    return bytes
  }
}

const skopeo = new ImageProxy()
console.log('protocol', (await skopeo.call<string>('Initialize')).value)
const { value: image } = await skopeo.call<number>('OpenImage', process.argv[2])
const manifest = JSON.parse((await skopeo.read('GetManifest', image)).toString())
for (const { mediaType, digest, size } of [manifest.config, ...manifest.layers]) {
  const blob = await skopeo.read('GetBlob', image, digest, size)
  console.log(mediaType, digest.slice(0, 19), blob.length)
}
skopeo.close()
