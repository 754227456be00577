/** A hook that skips the tests of a peer that cannot run here, and prints why. */
export function skipUnavailable(driver) {
  return async function () {
    try {
      await driver.available?.()
    } catch (error) {
      console.log(`    skipped: ${error.message}`)
      this.skip()
    }
  }
}
