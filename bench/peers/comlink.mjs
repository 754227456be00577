// comlink over node's IPC, through its own adapter for node's emitters. It wraps each argument in an object of its own, so
// JSON carries what it says, and messages of this length faster than `advanced` does.
import { forkProcess } from './shared/child-process.mjs'
import { optional } from './shared/optional.mjs'

const comlink = optional('comlink')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'comlink over process.send',
  does: ['calls'],
  available: comlink.available,
  async calls(argv) {
    const { wrap } = await comlink.load()
    const child = forkProcess(argv)
    const api = wrap(await endpoint(child))
    return { run: (task) => api.work(task), close: () => child.disconnect() }
  },
  async serve(work) {
    const { expose } = await comlink.load()
    expose({ work }, await endpoint(process))
  },
}

/** @param {any} channel a ChildProcess, or `process` */
async function endpoint(channel) {
  const { default: nodeEndpoint } = await import('comlink/dist/esm/node-adapter.mjs')
  return nodeEndpoint({
    postMessage(message) {
      // It releases proxies when they are collected, which may be after the end.
      if (channel.connected) channel.send(message)
    },
    on: (event, take) => channel.on(event, take),
    off: (event, take) => channel.off(event, take),
  })
}
