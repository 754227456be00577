/** In a test: skips it under `npm run test:asan`, for a reason that it prints. */
export function skipUnderAsan(test: Mocha.Context, reason: string): void {
  if (process.env.ASAN_OPTIONS === undefined) return
  console.log(`      skipped under AddressSanitizer: ${reason}`)
  test.skip()
}
