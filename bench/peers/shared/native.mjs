// The programs in bench/native, the project's own yardsticks.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** @param {'rust' | 'c'} language @returns {Promise<string>} the path of its program */
export async function nativeProgram(language) {
  const { build } = await import('../../native/build.mjs').catch((error) => {
    throw new Error(`bench/native: ${error.message.split('\n')[0]}`)
  })
  const built = await build()
  const path = built[language]
  if (path === undefined) throw new Error(built.reasons.join('; '))
  return path
}

/** @returns {Promise<any>} the one line of JSON that the program prints */
export async function runNative(language, args) {
  const { stdout } = await run(await nativeProgram(language), args.map(String))
  return JSON.parse(stdout)
}
