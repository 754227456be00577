import { WormholeError } from '../core/errors.js'

/** Node's options that run something else than the file that follows them, or that only go with something else. */
const PROGRAM =
  /^(?:-[eipc]|-pe|--(?:eval|print|interactive|check|run|test|entry-url|prof-process|input-type|snapshot-blob|build-.*|experimental-sea-config|watch|watch-.*))$/

/** A debugger listens at one address already, and a second process would wait for its own. */
const INSPECTOR = /^--(?:inspect|inspect-.*|debug-port)$/

/**
 * Node's options for a child that is to run a file: `node -e CODE` would start the same program again, and
 * `--input-type` refuse the file. An option's own value goes with it.
 */
export function forFile(execArgv: readonly string[]): string[] {
  return without(execArgv, (name) => PROGRAM.test(name))
}

/** The same of what the caller gave, or else of this process's own options, for a child that nobody debugs. */
export function childExecArgv(given: readonly string[] | undefined): string[] {
  if (given !== undefined) return forFile(given)
  return without(process.execArgv, (name) => PROGRAM.test(name) || INSPECTOR.test(name))
}

function without(execArgv: readonly string[], unwanted: (name: string) => boolean): string[] {
  let dropping = false
  return execArgv.filter((part) => {
    // What does not begin with a dash is the value of the option before it.
    if (part.startsWith('-') && part !== '-') dropping = unwanted(nameOf(part))
    return !dropping
  })
}

/** Node takes `--input_type` for `--input-type`. */
function nameOf(option: string): string {
  const [name = ''] = option.split('=', 1)
  return name.replaceAll('_', '-')
}

/**
 * Throws where `process.execPath` is a program of its own, that would start again and not run a file.
 *
 * @param remedy what the caller can do
 */
export function assertRunsFiles(
  execPath?: string | undefined,
  remedy = 'name a Node.js that does as options.execPath'
): void {
  if (execPath !== undefined) return
  const sea = process.getBuiltinModule('node:sea') as { isSea(): boolean } | undefined
  if (sea?.isSea() !== true) return
  throw new WormholeError(
    'ERR_WORMHOLE_UNSUPPORTED',
    `this program is a single executable, which runs no other file: ${remedy}`
  )
}
