import { SingleBar } from 'cli-progress'

/** A bar on standard error; nothing where that is not a terminal. */
export function progressBar(stream = process.stderr) {
  if (!stream.isTTY) return { start() {}, step() {}, stop() {} }
  const bar = new SingleBar({ stream, format: '{bar} {value}/{total} {eta_formatted} {what}', clearOnComplete: true })
  return {
    start: (total) => bar.start(total, 0, { what: '' }),
    step: (what) => bar.increment(1, { what }),
    stop: () => bar.stop(),
  }
}
