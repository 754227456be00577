import type { SendRequest } from './send-request.js'

/** Requests of one caller, in order, whose outcome it has yet to see. */
export class Outstanding {
  #requests: SendRequest[] = []

  get first(): SendRequest | undefined {
    return this.#requests[0]
  }

  get last(): SendRequest | undefined {
    return this.#requests.at(-1)
  }

  get requests(): readonly SendRequest[] {
    return this.#requests
  }

  add(request: SendRequest): void {
    this.#requests.push(request)
  }

  /** Forgets the first requests that are settled and returns their number. Throws the error of one that failed. */
  settled(): number {
    const requests = this.#requests
    let count = 0
    while (requests[count]?.settled === true) {
      const { error } = requests[count++] as SendRequest
      if (error === undefined) continue
      requests.splice(0, count)
      throw error
    }
    if (count === requests.length) this.#requests = []
    else if (count > 0) requests.splice(0, count)
    return count
  }
}
