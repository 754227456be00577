// Fails if a dependency would run a script at installation, or if `npm audit` knows of a vulnerability. If the
// registry does not answer, it says so and skips the second check; with --online it fails.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { online } = parseArgs({ options: { online: { type: 'boolean', default: false } } }).values
const lock = new URL('../package-lock.json', import.meta.url)

const packages = Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages)
// The empty name is this package itself, which builds its addon.
const scripted = packages
  .filter(([name, { hasInstallScript }]) => name !== '' && hasInstallScript)
  .map(([name]) => name)
console.log(`${packages.length - 1} packages in package-lock.json, ${scripted.length} with an install script`)
for (const name of scripted) console.log(`  ${name}`)

const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', timeout: 40_000 })
const answer = parse(stdout)
const counts = answer.metadata?.vulnerabilities
if (counts === undefined) {
  console.log(
    `npm audit: not asked, the registry does not answer (${answer.message ?? answer.error?.summary ?? 'no reason given'})`
  )
} else {
  console.log(`npm audit: ${counts.total} known vulnerabilities`)
  for (const [name, { severity }] of Object.entries(answer.vulnerabilities)) console.log(`  ${name}: ${severity}`)
}

if (scripted.length > 0 || counts?.total > 0 || (online && counts === undefined)) process.exitCode = 1

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
