import { wormhole } from './shared/wormhole.mjs'

/** @type {import('./driver.mjs').Driver} */
export default wormhole('wormhole-ipc, batches()', { does: ['stream'], receive: takeBatches })

async function takeBatches(receiver, take) {
  for await (const batch of receiver.batches()) {
    for (const message of batch) take(message)
  }
}
