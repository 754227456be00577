import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OwnedFd } from 'wormhole-ipc/socket'
import type { Display } from './display.js'

const XRGB8888 = 1

/** A window. The codes are the places of the requests in wayland.xml and xdg-shell.xml. */
export class Window {
  /** Its frame callback, once there are pixels: an event of it says that the compositor has shown them. */
  frame = 0
  readonly xdgSurface: number
  readonly #surface: number
  readonly #display: Display

  constructor(display: Display) {
    this.#display = display
    this.#surface = display.make()
    this.xdgSurface = display.make()
  }

  async open(compositor: number, base: number): Promise<void> {
    const display = this.#display
    await display.request(compositor, 0, [this.#surface]) // create_surface
    await display.request(base, 2, [this.xdgSurface, this.#surface]) // get_xdg_surface
    await display.request(this.xdgSurface, 1, [display.make()]) // get_toplevel
    await display.request(this.#surface, 6) // commit
  }

  /** Shows pixels: the compositor maps the file whose descriptor it gets. */
  async show(shm: number, pixels: Uint8Array, width: number, height: number): Promise<void> {
    const display = this.#display
    const [pool, buffer] = [display.make(), display.make()]
    this.frame = display.make()
    await display.request(shm, 0, [pool, pixels.length], [fileOf(pixels)]) // create_pool
    await display.request(pool, 0, [buffer, 0, width, height, 4 * width, XRGB8888]) // create_buffer
    await display.request(this.#surface, 1, [buffer, 0, 0]) // attach
    await display.request(this.#surface, 2, [0, 0, width, height]) // damage
    await display.request(this.#surface, 3, [this.frame]) // frame
    await display.request(this.#surface, 6) // commit
  }
}

/** Makes a file without a name that holds these bytes. A sealed one is refused: the compositor maps it to write to as well. */
function fileOf(bytes: Uint8Array): OwnedFd {
  const folder = mkdtempSync(join(tmpdir(), 'pixels-'))
  const file = new OwnedFd(openSync(join(folder, 'pixels'), 'w+'))
  rmSync(folder, { recursive: true })
  writeSync(file.fd, bytes)
  return file
}
