import { spawnSync } from 'node:child_process'
import { skipUnderAsan } from './under-asan.js'

/** In a test: leaves it out, and prints why, unless these programs are installed. */
export function needs(test: Mocha.Context, ...programs: readonly string[]): void {
  skipUnderAsan(test, 'other programs would run under it too')
  for (const program of programs) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) leaveOut(test, `${program} is not installed`)
  }
}

/** In a test: leaves it out, and prints why. */
export function leaveOut(test: Mocha.Context, why: string): never {
  console.log(`      left out: ${why}`)
  return test.skip()
}
