import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Child, start } from './child.js'
import { chosen } from './long.js'

/**
 * Starts a compiled example, or a program of it other than the main one (`name/program`). `ended` resolves once its
 * workers, which share its output, have exited too.
 */
export function startExample(name: string, args: readonly string[] = [], nodeOptions = ''): Child {
  const path = name.includes('/') ? name : `${name}/main`
  const program = fileURLToPath(new URL(`../../examples/${path}.js`, import.meta.url))
  return start('env', [`NODE_OPTIONS=${nodeOptions}`, process.execPath, program, ...args])
}

/** Runs an example that must not fail or write to standard error; resolves to what it printed. */
export async function runExample(name: string, args: readonly string[] = [], code = 0): Promise<string> {
  const outcome = await startExample(name, args).ended
  expect(outcome.stderr).to.equal('')
  expect(outcome.code, outcome.stdout).to.equal(code)
  return outcome.stdout
}

/** Returns an `--import` that ends an example's worker processes: those whose program has this name. */
export function crashIn(program: string, condition = 'true'): string {
  const code = `if (process.argv[1]?.endsWith('/${program}') && ${condition}) process.exit(7)`
  return `--import=data:text/javascript,${encodeURIComponent(code)}`
}

/** The tests of a command line. */
export function itHasCommandLine(example: string, options: readonly string[], wrong: readonly string[]): void {
  const name = basename(example)
  it('explains its command line', async () => {
    const help = await runExample(example, ['--help'])
    expect(help).to.match(new RegExp(`^Usage: ${name} \\[options\\]\n`))
    for (const part of [...options, '--help', 'Exit code:']) expect(help).to.include(part)
  })

  it('ends with exit code 2 when the command line is wrong', async () => {
    for (const argument of chosen(1, ['--colour', ...wrong, 'argument'])) {
      const { code, stdout, stderr } = await startExample(example, [argument]).ended
      expect(stderr).to.match(new RegExp(`^${name}: .*'.*\nTry '${name} --help'\\.\n$`, 's'))
      expect(stdout).to.equal('')
      expect(code).to.equal(2)
    }
  })
}
