import { spawnSync } from 'node:child_process'

/** In a test: leaves it out, and prints why, unless these programs are installed. */
export function needs(test: Mocha.Context, ...programs: readonly string[]): void {
  for (const program of programs) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) leaveOut(test, `${program} is not installed`)
  }
}

/** In a test: leaves it out, and prints why. */
export function leaveOut(test: Mocha.Context, why: string): never {
  console.log(`      left out: ${why}`)
  return test.skip()
}
