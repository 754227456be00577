#!/usr/bin/env node
// Sends an open file through dbus-daemon to another process.
// Usage: node main.js serve, and then node main.js print <FILE; both find the bus in DBUS_SESSION_BUS_ADDRESS
import { text } from 'node:stream/consumers'
import { Bus } from './bus.js'
import { pad, string, u32 } from './pack.js'

const NAME = 'org.example.Reader'

/** Prints the file that comes with the first call. */
async function serve(bus: Bus): Promise<void> {
  const daemon = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' }
  const args = Buffer.concat([pad(string(NAME)), u32(0)])
  await bus.call({ ...daemon, member: 'RequestName', signature: 'su' }, args)
  for (;;) {
    const { fields, args, fds } = await bus.next()
    if (fields.member === 'NameAcquired' && args.equals(string(NAME))) console.log(`serving as ${NAME}`)
    if (fields.member !== 'Print') continue
    for (const fd of fds) process.stdout.write(`${fd.kind}: ${await text(fd.readStream())}`)
    return
  }
}

const bus = await Bus.connect(process.env.DBUS_SESSION_BUS_ADDRESS as string)
if (process.argv[2] === 'serve') await serve(bus)
else {
  // The argument is the first descriptor of the message.
  await bus.call({ destination: NAME, path: '/', member: 'Print', signature: 'h' }, u32(0), [process.stdin.fd])
}
bus.socket.close()
