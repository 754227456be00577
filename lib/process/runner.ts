import '../core/supported.js'
import type { Ends } from '../channel/named-ends.js'
import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import { toRecord } from '../core/carried-error.js'
import { isLeftOut } from '../wire/json.js'
import { inherited } from './inherited.js'
import { begin, imported } from './run-guard.js'
import { INPUT, type Order, type Outcome, RESULT } from './run-protocol.js'

/** The child's program for `forkAndRun`: runs one function and sends back its outcome. */

interface Own extends Ends {
  [INPUT]: Receiver<Order>
  [RESULT]: Sender<Outcome>
}

const { [INPUT]: orders, [RESULT]: results, ...channels } = inherited<Own>()
const order = await orders.recv()

// There is one order only: when this channel ends, the parent has exited, and nothing waits for the result.
orders.unref()
orders.recv().catch(() => process.exit(1))

let outcome: Outcome
try {
  begin(order)
  const value = await run(order)
  if (isLeftOut(value)) throw new TypeError(`the result is a ${typeof value}, which JSON cannot carry`)
  outcome = { value }
} catch (error) {
  outcome = { thrown: toRecord(error) }
}
await answer(outcome)
// This ends what the function left running: its caller has the result.
process.exit()

async function run({ module, name, input }: Order): Promise<unknown> {
  const exports = (await import(module)) as Record<string, unknown>
  imported()
  // A CommonJS module's exports are all properties of the default one.
  const inner = exports.default as Record<string, unknown> | undefined
  const operation = [exports[name], inner?.[name]].find((candidate) => typeof candidate === 'function')
  if (typeof operation !== 'function') throw new TypeError(`${module} has no function as its export "${name}"`)
  return await operation(input, channels)
}

async function answer(message: Outcome): Promise<void> {
  try {
    await results.send(message)
  } catch (error) {
    // A result that JSON cannot carry.
    await results.send({ thrown: toRecord(error) }).catch(() => undefined)
  }
}
