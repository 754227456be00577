#!/usr/bin/env node
// Runs spin to search every state of the model in docs/model, and of its broken variants, which must fail.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODEL = fileURLToPath(new URL('../docs/model/channel.pml', import.meta.url))
/** The limits of each search. */
const MAX_MIB = 1800
const MAX_SECONDS = 120
/** Steps from the start to the end of the longest run; spin reports if they are too few. */
const DEPTH = 10_000

/** The expected result of each search: null, or the text of the promise that the broken variant breaks. */
const CASES = [
  { name: 'long and short messages', define: null, fails: null },
  { name: 'short messages, several in a packet', define: 'SHORT_ONLY', fails: null },
  { name: 'broken: peeks, then reads', define: 'PEEK_THEN_READ', fails: /assertion violated .*has\[/ },
  { name: 'broken: resolves before the kernel has it', define: 'RESOLVE_EARLY', fails: /assertion violated .*send\[/ },
  { name: 'broken: says the end without draining', define: 'END_UNDRAINED', fails: /assertion violated .*send\[/ },
  { name: 'broken: half a long message for a whole', define: 'END_IS_WHOLE', fails: /assertion violated .*taken/ },
  { name: 'broken: keeps a side stream’s reading end', define: 'KEEP_READER', fails: /invalid end state/ },
]

const folder = mkdtempSync(join(tmpdir(), 'wormhole-model-'))
try {
  const rows = CASES.map(search)
  console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])))
  const sound = rows.every(({ as }) => as === 'expected')
  console.log(sound ? 'The model keeps every promise, and each broken variant is caught.' : 'Not as expected.')
  process.exitCode = sound ? 0 : 1
} catch (error) {
  if (error.code !== 'ENOENT') throw error
  console.error(
    `model: ${error.path} is not installed; the model needs spin and gcc (Debian: apt-get install spin gcc)`
  )
  process.exitCode = 2
} finally {
  rmSync(folder, { recursive: true })
}

function search({ name, define, fails }) {
  const began = performance.now()
  run('spin', ['-a', ...(define === null ? [] : [`-D${define}`]), MODEL])
  run('gcc', ['-w', '-O2', '-DSAFETY', `-DMEMLIM=${MAX_MIB}`, '-o', 'pan', 'pan.c'])
  const output = run(join(folder, 'pan'), [`-m${DEPTH}`])
  const complete = !/Search not completed|max search depth too small/.test(output)
  const found = output.match(/^pan:\d+: (.*) \(at depth/m)?.[1] ?? null
  const asExpected = fails === null ? complete && found === null && /errors: 0/.test(output) : fails.test(found ?? '')
  if (!asExpected) console.error(output)
  return {
    name,
    states: Number(output.match(/(\d+) states, stored/)?.[1]),
    MiB: Math.round(Number(output.match(/([\d.]+)\s+total actual memory/)?.[1])),
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
    found: found?.replace(/ +/g, ' ') ?? 'nothing',
    as: asExpected ? 'expected' : 'NOT EXPECTED',
  }
}

function run(command, args) {
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8', timeout: MAX_SECONDS * 1000 })
}
