/** The prime factors of a whole number from 2 to 2^53 - 1, smallest first: by trial division, which may take a second. */
export function factorise(number: number): number[] {
  if (!Number.isSafeInteger(number) || number < 2) throw new RangeError(`${number} has no prime factors`)
  const factors: number[] = []
  let rest = number
  // Past 2, odd divisors only.
  for (let divisor = 2; divisor * divisor <= rest; divisor += divisor === 2 ? 1 : 2) {
    while (rest % divisor === 0) {
      factors.push(divisor)
      rest /= divisor
    }
  }
  if (rest > 1) factors.push(rest)
  return factors
}
