import { argumentError } from '../core/errors.js'
import type { Settings } from '../core/options.js'
import { paired } from '../core/telemetry.js'
import * as socket from '../os/syscalls.js'
import { Receiver } from './receiver.js'
import { Sender } from './sender.js'

/**
 * Makes the two ends of a channel over a socket pair of this type.
 *
 * @throws ERR_WORMHOLE_ARGUMENT (a `bufferBytes` that the kernel does not give), ERR_WORMHOLE_SYSTEM
 */
export function openPair<T>(type: number, settings: Settings): [Sender<T>, Receiver<T>] {
  const [sending, receiving] = socket.socketpair(type)
  if (settings.bufferBytes !== undefined) {
    const given = socket.setCapacity(sending, settings.bufferBytes)
    if (given < settings.bufferBytes) {
      socket.closeAll([sending, receiving])
      throw argumentError(
        `bufferBytes: the kernel gives ${given} bytes, not ${settings.bufferBytes}; raise net.core.wmem_max: the limit is twice that`
      )
    }
  }
  const sender = new Sender<T>(sending, type, settings)
  const receiver = new Receiver<T>(receiving, type, settings)
  paired(sender, receiver)
  return [sender, receiver]
}
