import { clearLine, cursorTo } from 'node:readline'

/** Milliseconds from one picture to the next. */
const PICTURE_MS = 100

/** A line on a terminal that says how far something is; nothing where there is no terminal. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  #shown = Number.NEGATIVE_INFINITY

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(title: string, part: number): void {
    if (!this.#stream.isTTY || performance.now() - this.#shown < PICTURE_MS) return
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
