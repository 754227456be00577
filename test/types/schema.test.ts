import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { channel, Receiver, type Sender } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { schemaOf, text } from '../helpers/schema.js'

/** A schema that takes one type and gives another, as one with a transformation does. */
const length: StandardSchemaV1<string, { length: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: { length: String(value).length } }),
  },
}

describe('a schema, which tells the types of both ends', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()

  it("gives the sender the schema's input, and the receiver its output", async () => {
    const [sender, receiver] = channel({ schema: length })
    keep(sender)
    keep(receiver)
    expectTypeOf(sender).toEqualTypeOf<Sender<string>>()
    expectTypeOf(receiver).toEqualTypeOf<Receiver<{ length: number }>>()
    void sender.send('four')
    expect(await receiver.recv()).to.deep.equal({ length: 4 })
    // @ts-expect-error the schema takes strings
    void sender.send(4)
  })

  it('gives an adopted end its output', async () => {
    const [sender, other] = channel<number>()
    keep(sender)
    const receiver = keep(Receiver.fromFd(other.detach(), { schema: schemaOf(text) }))
    expectTypeOf(receiver).toEqualTypeOf<Receiver<string>>()
    void sender.send(1)
    expect(await receiver.recv()).to.equal(text(1))
  })

  it('must be a schema', () => {
    // @ts-expect-error a function is no Standard Schema
    expect(() => channel({ schema: text })).to.throw()
  })
})
