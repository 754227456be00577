import { execFileSync } from 'node:child_process'
import { newest } from './targets.mjs'

/** Finds the newest version of each system library that an addon needs, by the names of `newest` in targets.mjs. */
export function neededVersions(file, objdump) {
  const symbols = execFileSync(objdump, ['-T', file], { encoding: 'utf8' })
  const needed = {}
  for (const [, library, version] of symbols.matchAll(/\*UND\*.*\((\w+)_([\d.]+)\)/g)) {
    if (needed[library] === undefined || newer(version, needed[library])) needed[library] = version
  }
  return needed
}

/** Selects the entries of `needed` that some supported system lacks. */
export function tooNew(needed) {
  return Object.entries(needed).filter(
    ([library, version]) => newest[library] === undefined || newer(version, newest[library])
  )
}

function newer(version, other) {
  return version.localeCompare(other, 'en', { numeric: true }) > 0
}
