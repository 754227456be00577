import { constants } from 'node:os'
import { expect } from 'chai'
import { ETOOMANYREFS } from '#lib/core/errors'
import type { Failure } from './failure.js'
import { type Fault, Injection } from './injection.js'
import { ERRNOS, type Outcome, outcomeOf } from './outcomes.js'
import type { ScenarioName } from './scenarios/index.js'
import type { Step } from './subject.js'
import { SubjectProcess } from './subject-process.js'

/**
 * Which of a scenario's system calls fail; it makes at least so many. `3` is the third, `2+3` the second and every
 * third one after it.
 */
export type Plan = Partial<Record<'sendmsg' | 'recvmsg' | 'socketpair' | 'epoll_ctl' | 'fcntl', readonly string[]>>

/** No call after this one fails: what takes turns with the faults would meet them for ever. */
const LAST = 60

/**
 * In a spec: one test for each system call of the plan, each errno, and each place.
 *
 * @param outcome what becomes of a call that meets a fault; undefined where that is not injected
 */
export function injects(
  scenario: ScenarioName,
  plan: Plan,
  outcome: (fault: Fault) => Outcome | undefined = outcomeOf
): void {
  let subject: SubjectProcess | undefined

  before('strace can attach', async () => {
    subject = await SubjectProcess.start(scenario)
    const harmless = await Injection.into(subject.pid, { syscall: 'sendmsg', errno: 'EINTR', when: '1' })
    await harmless.end()
  })

  after(() => subject?.end())

  afterEach(async function () {
    if (this.currentTest?.isPassed() === true) return
    await subject?.kill()
    subject = undefined
  })

  for (const [syscall, places] of Object.entries(plan)) {
    for (const errno of ERRNOS) {
      for (const when of places) {
        const fault = { syscall, errno, when: when.replace('+', `..${LAST}+`) }
        const expected = outcome(fault)
        if (expected === undefined) continue
        it(`${syscall} fails with ${errno}: ${placeOf(when)}`, async () => {
          subject ??= await SubjectProcess.start(scenario)
          const [calls, failures] = await meet(subject, fault)
          expect(calls, 'calls that failed').to.not.deep.equal([])
          expectFailures(failures, calls, expected, fault)
        })
      }
    }
  }
}

function placeOf(when: string): string {
  const [first, step] = when.split('+')
  return step === undefined ? `call ${first}` : `call ${first} and every ${step} calls from there`
}

/** Lets a fault happen to a scenario; the calls that failed, and how that showed. */
async function meet(subject: SubjectProcess, fault: Fault): Promise<[calls: string[], Failure[]]> {
  await step(subject, 'prepare')
  const injection = await Injection.into(subject.pid, fault)
  let calls: string[]
  try {
    await step(subject, 'run', () => injection.text)
  } finally {
    calls = await injection.end()
  }
  const failures = await step(subject, 'finish', () => calls.join('\n'))
  return [calls, failures]
}

/** @param trace what is known of the system calls */
async function step(subject: SubjectProcess, name: Step, trace: () => string = () => ''): Promise<Failure[]> {
  const { problem, failures } = await subject.step(name, trace)
  if (problem !== undefined) throw new Error(`${problem}\n${trace()}`)
  return failures
}

/** Each call of the kernel's that failed has failed one call of the scenario's, and as it should. */
export function expectFailures(
  failures: Failure[],
  calls: string[],
  outcome: Outcome,
  { syscall, errno }: Fault
): void {
  // Nobody waits for the end of a watch.
  const felt = outcome.length === 0 ? [] : calls.filter((call) => !call.includes('EPOLL_CTL_DEL'))
  expect(failures, calls.join('\n')).to.have.lengthOf(felt.length)
  for (const failure of failures) {
    expect(outcome).to.include(failure.code)
    expect({ errno: failure.errno, syscall: failure.syscall }).to.deep.equal({ errno: numberOf(errno), syscall })
    if (failure.code === 'ERR_WORMHOLE_SYSTEM') expect(failure.message).to.include(errno)
  }
}

function numberOf(errno: string): number {
  return errno === 'ETOOMANYREFS' ? ETOOMANYREFS : -Number((constants.errno as Record<string, number>)[errno])
}
