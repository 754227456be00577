import { expect } from 'chai'
import { itHasCommandLine, runExample } from '../helpers/example.js'
import { sized } from '../helpers/long.js'

/** The number at the end of each line that a pattern finds. */
function numbers(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map(([, number]) => Number(number))
}

describe('the table example', () => {
  for (const [mib, processes] of [
    [32, sized(4, 8)],
    [1, 1],
  ] as const) {
    it(`has ${processes} processes read a table of ${mib} MiB that is in memory once`, async () => {
      const stdout = await runExample('table', ['--mib', String(mib), '--processes', String(processes)])
      const sums = numbers(stdout, /sum (\d+), key \d+ found$/gm)
      expect(sums).to.have.length(processes)
      expect(new Set(sums).size).to.equal(1)
      const [total] = numbers(stdout, /^together +([\d.]+) /gm)
      expect(total, stdout).to.be.within(mib, mib * 1.05 + 1)
      const shares = numbers(stdout, /^process \d+ +([\d.]+) /gm)
      expect(shares).to.have.length(processes)
      for (const share of shares) expect(share, stdout).to.be.within(mib / processes - 0.1, mib / processes + 0.2)
      expect(numbers(stdout, /^this process +([\d.]+) /gm)[0], stdout).to.be.below(0.2)
    })
  }

  itHasCommandLine('table', ['--mib', '--processes'], ['--mib=0', '--mib=many', '--processes=0', '--processes=101'])
})
