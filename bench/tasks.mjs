// What the calls and the pools are asked to do, at once: read a record and answer with a number that only this record gives.
// The peers' workers load this module too.
import { kind } from './messages.mjs'

const record = kind(300)
/** As many numbers have five digits, so that each task is as long as another. */
const NUMBERS = 90_000
const FIRST = 10_000

/** @param {number} number of the task @returns {any} a record of 300 bytes of JSON, with an id of its own */
export function taskOf(number) {
  return { ...record.make(), id: FIRST + (number % NUMBERS) }
}

/** @param {any} task */
export function work(task) {
  return task.id + record.weigh(task)
}

export default work
