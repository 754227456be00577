import { clearLine, cursorTo } from 'node:readline'

/** Milliseconds between two updates. */
const UPDATE_MS = 100

/** Shows on one line of a terminal how much is done; does nothing if the stream is not a terminal. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  #shown = Number.NEGATIVE_INFINITY

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(title: string, part: number): void {
    if (!this.#stream.isTTY || performance.now() - this.#shown < UPDATE_MS) return
    this.#shown = performance.now()
    cursorTo(this.#stream, 0)
    this.#stream.write(`self-test: ${title} ${Math.floor(part * 100)} %`)
    clearLine(this.#stream, 1)
  }

  clear(): void {
    if (!this.#stream.isTTY || this.#shown < 0) return
    cursorTo(this.#stream, 0)
    clearLine(this.#stream, 0)
  }
}
