// Where and when a report was made.
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

export function describeRun() {
  const all = cpus()
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    machine: { cpu: all[0]?.model ?? 'unknown', cores: all.length, memoryBytes: totalmem(), kernel: release() },
  }
}

/** The commit that is checked out, with a `+` where files differ from it; undefined where git cannot tell. */
function commit() {
  try {
    const found = git('rev-parse', '--short=12', 'HEAD')
    return git('status', '--porcelain', '--untracked-files=no') === '' ? found : `${found}+`
  } catch {
    return undefined
  }
}

function git(...args) {
  return execFileSync('git', args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
