// The process whose system calls fail. Runs the scenario that its argument names, again and again: a line on the
// standard input names the next step, a line of JSON on the standard output says what became of it. Neither needs a
// system call that is made to fail.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { turns } from '../helpers/fill.js'
import { type Failure, failureOf } from './failure.js'
import { type Inventory, takeInventory } from './inventory.js'
import { Ledger } from './ledger.js'
import { Partner } from './partnership.js'
import type { Scenario } from './scenario.js'
import { type ScenarioName, scenarios } from './scenarios/index.js'

/** The steps of one injection, in order; each is answered. */
export type Step = 'prepare' | 'run' | 'finish'

export interface Answer {
  /** Why the step itself is not as it should be. */
  problem?: string
  failures: Failure[]
}

const prepare = scenarios[process.argv[2] as ScenarioName]
const partner = new Partner()
let ledger = new Ledger()
let scenario: Scenario
/** What there is when nothing is open. */
let atStart: Inventory

async function inventory(): Promise<Inventory> {
  // libuv tells the kernel what it watches when it polls next.
  await turns()
  const { descriptors, failures } = partner.report()
  expect(failures, "the partner's failures").to.deep.equal([])
  return takeInventory(descriptors)
}

const steps: Record<Step, () => Promise<void>> = {
  prepare: async () => {
    ledger = new Ledger()
    scenario = await prepare(ledger, partner)
  },
  run: () => scenario.run(),
  finish: async () => {
    await scenario.finish()
    expect(await inventory(), 'what is open').to.deep.equal(atStart)
  },
}

async function answer(step: Step): Promise<Answer> {
  try {
    await steps[step]()
    return { failures: [...ledger.failures].map(failureOf) }
  } catch (error) {
    return { problem: `${step}: ${(error as Error).stack}`, failures: [] }
  }
}

// It is watched from now on.
const input = createInterface(process.stdin)
// Once without faults: it works at all, and what opens once and for all is open.
for (let round = 0; round < 2; round++) {
  await steps.prepare()
  await steps.run()
  await scenario!.finish()
}
expect([...ledger.failures]).to.deep.equal([])
atStart = await inventory()
writeSync(1, '{}\n')
for await (const step of input) {
  writeSync(1, `${JSON.stringify(await answer(step as Step))}\n`)
}
partner[Symbol.dispose]()
