import { expect } from 'chai'
import { WormholeError } from 'wormhole-ipc'
import { forkAndRun } from 'wormhole-ipc/process'
import { fromRecord, toRecord } from '#lib/core/carried-error'
import { thrownNames, throwThat } from '../fixtures/functions.js'
import { fixture } from '../helpers/child.js'
import { LONG } from '../helpers/long.js'

const functions = fixture('functions')

/** What is rejected when the child throws that. */
async function rejected(name: string): Promise<WormholeError & Record<string, unknown>> {
  const error = await forkAndRun(functions, name, { export: 'throwThat' }).catch((reason) => reason)
  expect(error).to.be.instanceOf(WormholeError)
  return error as WormholeError & Record<string, unknown>
}

/** What `fromRecord` makes of it after the way through JSON. */
function revived(name: string): Error & Record<string, unknown> {
  try {
    throwThat(name)
  } catch (thrown) {
    return fromRecord(JSON.parse(JSON.stringify(toRecord(thrown)))) as Error & Record<string, unknown>
  }
  throw new Error('nothing was thrown')
}

describe('whatever a child throws arrives as an error that tells what it was', () => {
  it('an error of a vm context, with its name, stack and own properties', async () => {
    const error = await rejected('of a vm context')
    expect([error.code, error.name, error.message]).to.deep.equal(['ERR_WORMHOLE_CHILD_THREW', 'RangeError', 'foreign'])
    expect(error.stack).to.include('evalmachine')
    expect(error.detail).to.deep.equal({ a: 1 })
  })

  it('none ends the child instead, is called "a object", or is lost', async () => {
    // Each makes a record here; every third does in a child, too, which is a process of its own.
    for (const [index, name] of thrownNames.entries()) {
      expect(revived(name), name).to.be.instanceOf(Error)
      if (!LONG && index % 3 !== 0) continue
      const { message, code } = await rejected(name)
      expect(code, name).to.equal('ERR_WORMHOLE_CHILD_THREW')
      expect(message, name).not.to.match(/\ba (object|undefined|null|error)\b/)
    }
  })

  it('a value that is no error is described', () => {
    expect(revived('undefined').message).to.equal('undefined was thrown: undefined')
    expect(revived('null').message).to.equal('null was thrown: null')
    expect(revived('a string').message).to.equal('a string was thrown: text')
    expect(revived('a symbol').message).to.equal('a symbol was thrown: Symbol(s)')
    expect(revived('a function').message).to.equal('a function was thrown: [Function: named]')
    expect(revived('without a prototype').message).to.equal('an object was thrown: {}')
    expect(revived('a ring without a prototype').message).to.match(/^an object was thrown: .*Circular/)
  })

  it('a cause of another realm is an error again', () => {
    const { cause } = revived('with a foreign cause') as { cause?: Error }
    expect(cause).to.be.instanceOf(TypeError)
    expect(cause?.message).to.equal('foreign cause')
  })

  it('the errors of an AggregateError, a DOMException, a subclass and its properties', () => {
    const several = revived('an AggregateError') as unknown as AggregateError
    expect(several).to.be.instanceOf(AggregateError)
    expect(several.errors[0]).to.be.instanceOf(TypeError)
    expect(several.errors[1]).to.equal('two')
    expect([revived('a DOMException').name, revived('a DOMException').message]).to.deep.equal(['AbortError', 'aborted'])
    const { name, status, no } = revived('a subclass')
    expect([name, status, no]).to.deep.equal(['Mine', 404, undefined])
    expect(revived('error-like').message).to.equal('like one')
  })

  it('a ring of causes ends', () => {
    const error = revived('a ring') as unknown as { cause: { message: string; cause: unknown } }
    expect([error.cause.message, error.cause.cause]).to.deep.equal(['its cause', '[Circular]'])
  })

  it('a getter that throws costs its property alone', () => {
    for (const key of ['stack', 'cause', 'name', 'property']) {
      expect(revived(`a throwing ${key}`).message, key).to.equal('with a getter')
    }
  })
})
