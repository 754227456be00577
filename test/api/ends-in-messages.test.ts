import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'

describe('what owns a descriptor, inside a message', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  const places: Record<string, (owner: unknown) => unknown> = {
    'the message itself': (owner) => owner,
    'a property': (owner) => ({ reply: owner }),
    'an item of an array': (owner) => [1, [owner]],
    'inside an object that JSON asks': (owner) => ({ toJSON: () => ({ owner }) }),
    'a link of two ends': (owner) => ({ link: { sender: owner, receiver: owner } }),
  }

  for (const [place, messageOf] of Object.entries(places)) {
    it(`is refused by every call that sends, which names sendWithFds: ${place}`, async () => {
      const [sender, receiver] = open()
      const [reply, replies] = open()
      const owned = keep(new OwnedFd(replies.clone().detach()))
      for (const owner of [reply, replies, owned]) {
        const message = messageOf(owner)
        for (const call of [
          () => sender.send(message),
          () => sender.trySend(message),
          () => sender.sendSync(message),
          () => sender.sendWithFds(message, []),
        ]) {
          expect(throwsCode(call, 'ERR_WORMHOLE_UNSERIALIZABLE').message).to.include('sendWithFds')
        }
        for (const messages of [[message], one(message)]) {
          const error = await rejectsCode(sender.sendAll(messages), 'ERR_WORMHOLE_UNSERIALIZABLE')
          expect(error.message).to.include('sendWithFds')
        }
        throwsCode(() => JSON.stringify(message), 'ERR_WORMHOLE_UNSERIALIZABLE')
        expect(inspect(message)).to.be.a('string')
        expect(String(owner)).to.equal('[object Object]')
      }
      expect(receiver.tryRecv()).to.equal(undefined)
    })
  }

  it('is what the table in the documents says of every other kind of value', async () => {
    const [sender, receiver] = open<unknown>()
    const page = readFileSync('docs/migrating-from-process-send.md', 'utf8')
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (`([^`]+)`|refused) \|/gm)]
    expect(rows.length).to.be.greaterThan(14)
    for (const [, code, answer, json] of rows) {
      const value: unknown = new Function(`return (${code})`)()
      if (answer === 'refused') throwsCode(() => sender.send(value), 'ERR_WORMHOLE_UNSERIALIZABLE')
      else {
        await sender.send(value)
        expect(JSON.stringify(await receiver.recv()), code).to.equal(json)
      }
    }
  })
})

async function* one(message: unknown): AsyncGenerator<unknown> {
  yield message
}
