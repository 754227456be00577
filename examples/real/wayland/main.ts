#!/usr/bin/env node
// Shows a window of one colour, by the Wayland protocol, until it is ended: its pixels are in a file whose descriptor the
// compositor gets. Usage: node main.js [RRGGBB], with WAYLAND_DISPLAY and XDG_RUNTIME_DIR
import { join } from 'node:path'
import { DISPLAY, Display } from './display.js'
import { Window } from './window.js'

const [WIDTH, HEIGHT] = [320, 200]
const colour = Number.parseInt(process.argv[2] ?? '2266aa', 16)
const { XDG_RUNTIME_DIR = '/run/user/0', WAYLAND_DISPLAY = 'wayland-0' } = process.env

const display = await Display.connect(join(XDG_RUNTIME_DIR, WAYLAND_DISPLAY))
const registry = display.make()
const globals = { wl_compositor: display.make(), wl_shm: display.make(), xdg_wm_base: display.make() }
const window = new Window(display)
let bound = 0

/** The compositor has such an interface: makes our object of it if it is one of those that we use. */
async function bind(args: Buffer): Promise<void> {
  const name = args.toString('utf8', 8, 8 + args.readUInt32LE(4) - 1)
  if (!(name in globals)) return
  await display.request(registry, 0, [args.readUInt32LE(0), name, 1, globals[name as keyof typeof globals]])
  bound++
  if (bound === Object.keys(globals).length) await window.open(globals.wl_compositor, globals.xdg_wm_base)
}

/** The window has its place: says that it knows, and shows the pixels. */
async function configure(args: Buffer): Promise<void> {
  await display.request(window.xdgSurface, 4, [args.readUInt32LE(0)]) // ack_configure
  // Opaque: the compositor ignores the highest byte, but what copies its output may take that for alpha.
  const pixels = new Uint32Array(WIDTH * HEIGHT).fill(0xff000000 + colour)
  await window.show(globals.wl_shm, new Uint8Array(pixels.buffer), WIDTH, HEIGHT)
}

let shown = false
await display.request(DISPLAY, 1, [registry]) // get_registry
for await (const { object, code, args } of display.events()) {
  if (object === registry && code === 0) await bind(args)
  else if (object === globals.xdg_wm_base)
    await display.request(object, 3, [args.readUInt32LE(0)]) // ping: pong
  else if (object === window.xdgSurface && !shown) await configure(args)
  else if (object === window.frame) console.log(`shown: ${WIDTH} x ${HEIGHT} pixels of ${colour.toString(16)}`)
  shown ||= object === window.xdgSurface
}
