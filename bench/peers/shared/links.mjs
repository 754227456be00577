// One link made of several, for peers that have one connection per child.

/**
 * Sends to the children in turn; `sendAll` gives the next message to whichever has room.
 *
 * @param {import('../driver.mjs').Link[]} links
 * @returns {import('../driver.mjs').Link}
 */
export function combine(links) {
  if (links.length === 1) return links[0]
  let turn = 0
  return {
    send: (message) => links[turn++ % links.length].send(message),
    async sendAll(messages) {
      const source = messages[Symbol.iterator]()
      const shared = { [Symbol.iterator]: () => ({ next: () => source.next() }) }
      await Promise.all(links.map((link) => link.sendAll(shared)))
    },
    receive(take) {
      for (const link of links) link.receive(take)
    },
    async close() {
      await Promise.all(links.map((link) => link.close()))
    },
  }
}
