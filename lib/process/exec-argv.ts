import { WormholeError } from '../core/errors.js'

/** Node's options that run something other than the file after them, or that only work with such an option. */
const PROGRAM =
  /^(?:-[eipc]|-pe|--(?:eval|print|interactive|check|run|test|entry-url|prof-process|input-type|snapshot-blob|build-.*|experimental-sea-config|watch|watch-.*))$/

/** A debugger's options: their address is in use already, and the child would wait for a debugger of its own. */
const INSPECTOR = /^--(?:inspect|inspect-.*|debug-port)$/

/**
 * Leaves out Node's options that keep a child from running a file: `-e CODE` would start the same program again, and
 * `--input-type` makes Node refuse the file. An option's value is left out with it.
 */
export function forFile(execArgv: readonly string[]): string[] {
  return without(execArgv, (name) => PROGRAM.test(name))
}

/** Applies `forFile` to the caller's options for a child, or else to this process's own without a debugger's. */
export function childExecArgv(given: readonly string[] | undefined): string[] {
  if (given !== undefined) return forFile(given)
  return without(process.execArgv, (name) => PROGRAM.test(name) || INSPECTOR.test(name))
}

function without(execArgv: readonly string[], unwanted: (name: string) => boolean): string[] {
  let dropping = false
  return execArgv.filter((part) => {
    // A part without a dash is the value of the option before it.
    if (part.startsWith('-') && part !== '-') dropping = unwanted(nameOf(part))
    return !dropping
  })
}

/** Node accepts `--input_type` as `--input-type`. */
function nameOf(option: string): string {
  const [name = ''] = option.split('=', 1)
  return name.replaceAll('_', '-')
}

/** Throws if `process.execPath` is a single executable, which starts itself again and runs no file. */
export function assertRunsFiles(
  execPath?: string | undefined,
  remedy = 'set options.execPath to a Node.js that does'
): void {
  if (execPath !== undefined) return
  const sea = process.getBuiltinModule('node:sea') as { isSea(): boolean } | undefined
  if (sea?.isSea() !== true) return
  throw new WormholeError(
    'ERR_WORMHOLE_UNSUPPORTED',
    `this program is a single executable, which runs no other file: ${remedy}`
  )
}
