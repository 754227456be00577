// birpc over node's IPC, in its JSON, which carries messages of this length faster than `advanced` does.
import { forkProcess } from './shared/child-process.mjs'
import { optional } from './shared/optional.mjs'

const birpc = optional('birpc')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'birpc over process.send',
  does: ['calls'],
  available: birpc.available,
  async calls(argv) {
    const child = forkProcess(argv)
    const api = await connect({}, child)
    return { run: (task) => api.work(task), close: () => child.disconnect() }
  },
  serve: (work) => connect({ work }, process),
}

/** @param {any} channel a ChildProcess, or `process` */
async function connect(functions, channel) {
  const { createBirpc } = await birpc.load()
  return createBirpc(functions, {
    post: (message) => {
      channel.send(message)
    },
    on: (take) => {
      channel.on('message', take)
    },
  })
}
