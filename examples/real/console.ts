#!/usr/bin/env node
// Runs a container whose terminal is here: crun opens it in the container and sends its descriptor over a socket. runc and
// youki do the same. Usage: node console.js BUNDLE
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accept, listen, recvmsg } from 'wormhole-ipc/socket'

/** Starts a container in this bundle, and waits for the descriptor of its terminal. */
async function start(bundle: string) {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  const path = join(folder, 'socket')
  try {
    using listening = listen(path)
    const args = [
      '--root',
      join(folder, 'state'),
      'run',
      '--bundle',
      bundle,
      '--console-socket',
      path,
      `c${process.pid}`,
    ]
    const container = spawn('crun', args, { stdio: ['ignore', 'inherit', 'inherit'] })
    const ended = once(container, 'exit')
    const failed = new AbortController()
    container.once('exit', () => failed.abort(new Error('crun has ended without a terminal')))

    using connection = await accept(listening, failed)
    const { fds } = await recvmsg(connection, Buffer.alloc(4096), failed)
    if (fds[0] === undefined) throw new Error('crun has sent no terminal')
    return { terminal: fds[0], ended, folder }
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
}

const { terminal, ended, folder } = await start(process.argv[2] as string)
console.log(`the terminal is a ${terminal.kind}`)
for await (const chunk of terminal.readStream()) process.stdout.write(chunk)
const [code] = await ended
rmSync(folder, { recursive: true })
console.log(`the container has ended with ${code}`)
