import { Presets, SingleBar } from 'cli-progress'

/** How often a line is printed where there is no terminal. */
const LINE_SECONDS = 30

export interface Progress {
  update: (messages: number, seconds: number) => void
  stop: () => void
}

/** A bar on a terminal; elsewhere a line now and then. */
export function progressTo(messages: number, seconds: number): Progress {
  const part = (sent: number, passed: number) => Math.min(1, Math.max(sent / messages, passed / seconds))
  const text = (sent: number, passed: number) => `${sent.toLocaleString('en')} messages in ${Math.round(passed)} s`
  if (process.stderr.isTTY) {
    const bar = new SingleBar({ format: '{bar} {percentage}%  {text}', clearOnComplete: true }, Presets.shades_classic)
    bar.start(1, 0, { text: '' })
    return {
      update: (sent, passed) => bar.update(part(sent, passed), { text: text(sent, passed) }),
      stop: () => bar.stop(),
    }
  }
  let next = LINE_SECONDS
  return {
    update: (sent, passed) => {
      if (passed < next) return
      next += LINE_SECONDS
      console.log(text(sent, passed))
    },
    stop: () => undefined,
  }
}
