import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Child, start } from '../helpers/child.js'
import { chosen } from '../helpers/long.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = fileURLToPath(new URL('../../examples/census/main.js', import.meta.url))

/** What `--json` prints; which parts, depends on the input. */
interface Report {
  bytes: number
  records: number
  packages: number
  others: number
  licences: Record<string, number>
  dependencies: Record<string, number>
  dependedOn: Record<string, number>
  types: Record<string, number>
  fields: Record<string, { count: number; types: Record<string, number> }>
  malformed: { count: number; places: string[] }
  seconds: number
  workers: number[]
}

describe('the census example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'census-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  /** Writes a file below the test's folder. */
  function write(name: string, text: string): string {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  function census(args: readonly string[], { cwd = root, preload = '' } = {}): Child {
    const options = preload === '' ? '' : `--import=${preload}`
    return start('env', ['-C', cwd, `NODE_OPTIONS=${options}`, process.execPath, program, ...args])
  }

  async function report(args: readonly string[], cwd = root): Promise<Report> {
    const { code, stdout, stderr } = await census(['--json', ...args], { cwd }).ended
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    return JSON.parse(stdout)
  }

  async function fails(args: readonly string[], code: number, message: string | RegExp, cwd = root): Promise<void> {
    const outcome = await census(args, { cwd }).ended
    expect(outcome.stderr).to.match(message instanceof RegExp ? message : /^census: /)
    if (typeof message === 'string') expect(outcome.stderr).to.equal(`census: ${message}\n`)
    expect(outcome.stdout).to.equal('')
    expect(outcome.code).to.equal(code)
  }

  describe('of installed packages', () => {
    it('counts the project’s own node_modules as one plain loop does', async () => {
      const expected = countPackages(join(root, 'node_modules'))
      const { seconds, workers, ...counted } = await report([])
      expect(counted).to.deep.equal({ input: 'node_modules', kind: 'packages', ...expected })
      expect(expected.packages).to.be.greaterThan(30)
      expect(workers.length).to.be.at.least(2)
      expect(sum(workers)).to.equal(expected.packages + expected.others)
      expect(seconds).to.be.greaterThan(0)
    })

    it('counts scoped and nested packages, and follows no link', async () => {
      const manifest = (name: string, more: object) =>
        write(`app/node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', ...more }))
      manifest('a', { license: 'MIT', dependencies: { b: '1', '@s/c': '1' } })
      manifest('a/node_modules/b', { license: { type: 'ISC', url: 'https://example.com' } })
      manifest('@s/c', { licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }], dependencies: { b: '1' } })
      manifest('d', { license: 5, dependencies: ['not', 'an', 'object'] })
      write('app/node_modules/e/package.json', '\uFEFF{"name":"e","version":"1","license":"MIT"}')
      write('app/node_modules/a/dist/package.json', '{"type":"module"}')
      const broken = 'node_modules/broken/package.json'
      write(`app/${broken}`, '{"name":')
      symlinkSync('a', join(folder, 'app/node_modules/linked'))
      symlinkSync('../a/package.json', join(folder, 'app/node_modules/broken/linked.json'))

      const counted = await report(['--workers', '3'], join(folder, 'app'))
      expect(counted.packages).to.equal(5)
      expect(counted.others).to.equal(1)
      expect(counted.licences).to.deep.equal({ MIT: 2, ISC: 1, 'MIT OR GPL-2.0': 1, 'none given': 1 })
      expect(counted.dependencies).to.deep.equal({ 0: 3, 1: 1, 2: 1 })
      expect(counted.dependedOn).to.deep.equal({ b: 2, '@s/c': 1 })
      expect(counted.malformed).to.deep.equal({ count: 1, places: [broken] })
      expect(counted.workers, 'so few need no second worker').to.deep.equal([7])
    })

    it('prints a report for people', async () => {
      const { code, stdout, stderr } = await census(['--workers', '1']).ended
      const { packages, licences } = countPackages(join(root, 'node_modules'))
      expect(stdout).to.match(new RegExp(`^${packages} packages under node_modules`))
      expect(stdout).to.match(new RegExp(`\n {2}MIT +${licences.MIT} +\\d+ %\n`))
      expect(stdout).to.match(/\nMost depended on +packages\n/)
      expect(stdout).to.match(/\nRead \d+ records \(\d+ kB\) in \d+\.\d\d s with 1 worker\.\n$/)
      expect(stderr, 'no progress bar without a terminal').to.equal('')
      expect(code).to.equal(0)
    })
  })

  describe('of NDJSON', () => {
    it('counts the lines of a folder’s files as one plain loop does', async () => {
      const lines = Array.from({ length: 6000 }, (_, index) => line(index))
      write('lines/a.ndjson', `\uFEFF${lines.slice(0, 2500).join('\n')}\n`)
      write('lines/b.jsonl', lines.slice(2500, 4000).join('\r\n\r\n'))
      write('lines/c.ndjson', `\n\n${lines.slice(4000).join('\n')}`)
      write('lines/empty.ndjson', '')
      write('lines/notes.txt', 'not a record')
      write('lines/folder.ndjson/not-read.ndjson', '{}')
      const path = join(folder, 'lines')

      const expected = countLines(['a.ndjson', 'b.jsonl', 'c.ndjson'].map((name) => join(path, name)))
      const { seconds, workers, ...counted } = await report(['-w', '3', path])
      expect(counted).to.deep.equal({ input: path, kind: 'lines', ...expected })
      expect(expected.records).to.be.greaterThan(5000)
      expect(expected.malformed.count).to.be.greaterThan(50)
      expect(Object.keys(expected.fields)).to.include.members(['__proto__', 'constructor', 'id'])
      expect(workers.length).to.be.within(1, 3)
      expect(sum(workers)).to.equal(lines.length)
    })

    it('counts a single file, whatever its name, and prints where it is malformed', async () => {
      const path = write('records.log', '{"a":1}\n{"a":1,}\n\n{"a":null,"b":"\u001b[31m"}\n{"\u001b[2J":1}\nnope')
      write('clean.log', '{"a":1}\n{"a":"\u2028"}\n')
      const counted = await report(['-w', '1', path])
      expect(counted.malformed).to.deep.equal({ count: 4, places: [2, 4, 5, 6].map((number) => `${path}:${number}`) })
      const { stdout } = await census(['-w', '1', path]).ended
      expect(stdout).to.include(`\nMalformed, not counted: 4\n  ${path}:2\n  ${path}:4\n`)
      expect((await report(['-w', '1', join(folder, 'clean.log')])).fields.a).to.deep.equal({
        count: 2,
        types: { number: 1, string: 1 },
      })
    })

    it('lets no name from the data steer the terminal', async () => {
      const { stdout } = await census(['-w', '1', write('escape.ndjson', '{"\\u001b[2J\\n":1}')]).ended
      expect(stdout).to.include('\uFFFD[2J\uFFFD')
      expect(stdout).to.not.include('\u001b')
    })
  })

  describe('its command line', () => {
    it('explains itself', async () => {
      for (const flag of chosen(1, ['--help', '-h'])) {
        const { code, stdout, stderr } = await census([flag]).ended
        expect(stdout).to.match(/^Usage: census \[options\] \[file or folder\]\n/)
        expect(stdout).to.include('--workers').and.include('--json').and.include('Exit code')
        expect(stderr).to.equal('')
        expect(code).to.equal(0)
      }
    })

    it('ends with exit code 2 when it is wrong', async () => {
      await fails(['--colour'], 2, /^census: Unknown option '--colour'.*\nTry 'census --help'\.\n$/s)
      for (const number of chosen(1, ['', '257', '0', '1.5', 'many'])) {
        await fails([`--workers=${number}`], 2, /^census: --workers takes a number from 1 to 256, not '.*'\n/)
      }
      await fails(['one', 'two'], 2, /^census: one file or folder at a time, not also 'two'\n/)
    })

    it('ends with exit code 1 when there is nothing to count', async () => {
      const absent = join(folder, 'absent.ndjson')
      await fails([absent], 1, `no such file or folder: ${absent}`)
      const blank = write('blank/blank.ndjson', '\n\n')
      await fails([blank], 1, `nothing to count: no records in ${blank}`)
      const other = dirname(write('other/notes.txt', ''))
      await fails([other], 1, `no *.ndjson or *.jsonl file in the folder ${other}`)
      const where = `no node_modules in ${other}: run 'npm install' there, or name a file or folder of NDJSON`
      await fails([], 1, where, other)
    })

    it('ends with exit code 1 at a record that is too long', async () => {
      const path = write('long.ndjson', `{}\n${'x'.repeat(9 * 1024 * 1024)}\n{}`)
      const why = 'is longer than 8388608 characters: is this NDJSON, one record a line?'
      await fails([path], 1, `${path}:2 ${why}`)
    })

    it('shows a progress bar on a terminal', async function () {
      const path = write('bar.ndjson', '{"a":1}\n'.repeat(2000))
      if (spawnSync('script', ['--version']).error !== undefined) this.skip()
      const { code, stdout } = await start('script', ['-qec', `${process.execPath} ${program} ${path}`, '/dev/null'])
        .ended
      expect(stdout).to.match(/░+ 0% {2}0 of 16 kB/)
      expect(stdout).to.include('2,000 records in')
      expect(code).to.equal(0)
    })
  })

  describe('a worker that dies', () => {
    /** A module that does something in a worker: at its start, or when it looks at a record with `"a`. */
    function inWorkers(name: string, action: string, when: 'start' | 'record' = 'record'): string {
      const atRecord = `const { parse } = JSON
          JSON.parse = (text, reviver) => {
            if (String(text).includes('"a')) { ${action} }
            return parse(text, reviver)
          }`
      return write(name, `if (process.argv[1]?.endsWith('worker.js')) { ${when === 'start' ? action : atRecord} }`)
    }

    /** Code that runs another only in the first process that comes to it. */
    function once(name: string, action: string): string {
      const path = JSON.stringify(join(folder, name))
      return `let first = true
        try { process.getBuiltinModule('fs').mkdirSync(${path}) } catch { first = false }
        if (first) { ${action} }`
    }

    const killed = "process.kill(process.pid, 'SIGKILL')"

    it('costs nothing: it is replaced, and what it had in hand is counted again', async () => {
      const preload = inWorkers('kill-one.mjs', once('killed', killed))
      const path = write('many.ndjson', '{"a":1}\n'.repeat(50_000))
      const { code, stdout, stderr } = await census(['--json', '--verbose', '-w', '2', path], { preload }).ended
      expect(stderr).to.match(/\ncensus: workers that died and were replaced: 1\n$/)
      expect(stderr).to.match(/^census: worker \d+ has counted \d+ records\n/)
      const { records, fields, workers } = JSON.parse(stdout) as Report
      expect([records, sum(workers)]).to.deep.equal([50_000, 50_000])
      expect(fields.a).to.deep.equal({ count: 50_000, types: { number: 50_000 } })
      expect(code).to.equal(0)
    })

    it('fails the run when it takes three workers with it', async () => {
      const path = write('few.ndjson', '{"a":1}\n'.repeat(200))
      for (const [action, how] of [
        [killed, 'was killed by SIGKILL'],
        ['process.exit(7)', 'exited with code 7'],
      ] as const) {
        const preload = inWorkers('kill-all.mjs', action)
        const { code, stdout, stderr } = await census(['--verbose', '--json', path], { preload }).ended
        expect(stderr).to.match(
          new RegExp(`^census: a process of the pool ${how}; 3 died with the same records, so there is no report\\. `)
        )
        expect(stdout).to.equal('')
        expect(code).to.equal(1)
      }
    })

    it('fails the run when it cannot even start', async () => {
      const preload = inWorkers('refuse.mjs', "throw new Error('not today')", 'start')
      const { code, stderr } = await census(['--workers', '3', join(folder, 'few.ndjson')], { preload }).ended
      expect(stderr).to.match(/census: a process of the pool exited with code 1; 3 died/)
      expect(stderr).to.include('not today')
      expect(code).to.equal(1)
    })
  })
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** One line of NDJSON: mostly records, and what else is found in such files. */
function line(index: number): string {
  if (index % 97 === 0) return '{"id":1'
  if (index % 101 === 0) return '{"id":1} {"id":2}'
  if (index % 103 === 0) return '[1,2,3]'
  if (index % 107 === 0) return 'null'
  if (index % 109 === 0) return '{"__proto__":{"id":1},"constructor":"x"}'
  if (index % 1999 === 0) return JSON.stringify({ long: 'ß€𝄞'.repeat(50_000) })
  const value = [index, `${index}`, null, true, [index], { index }][index % 6]
  return JSON.stringify({
    id: index,
    value,
    [`field ${index % 5}`]: 'line\u2028separator €',
    ...(index % 3 ? {} : { a: 1 }),
  })
}

/** The census of packages in one process. */
function countPackages(folder: string) {
  const licences: Record<string, number> = {}
  const dependencies: Record<string, number> = {}
  const dependedOn: Record<string, number> = {}
  let bytes = 0
  let packages = 0
  let others = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'package.json' || !entry.isFile()) continue
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
    bytes += Buffer.byteLength(text)
    const manifest = JSON.parse(text)
    if (!manifest.name || !manifest.version) {
      others++
      continue
    }
    packages++
    let licence = ''
    for (const given of [manifest.license ?? manifest.licenses].flat()) {
      const name = given?.type ?? given
      if (typeof name === 'string') licence += licence === '' ? name : ` OR ${name}`
    }
    if (licence === '') licence = 'none given'
    licences[licence] = (licences[licence] ?? 0) + 1
    const names = Object.keys(manifest.dependencies ?? {})
    dependencies[names.length] = (dependencies[names.length] ?? 0) + 1
    for (const name of names) dependedOn[name] = (dependedOn[name] ?? 0) + 1
  }
  return { bytes, packages, others, licences, dependencies, dependedOn, malformed: { count: 0, places: [] } }
}

/** The census of NDJSON files in one process. */
function countLines(files: readonly string[]) {
  const types = new Map<string, number>()
  const fields = new Map<string, Map<string, number>>()
  const places: string[] = []
  let bytes = 0
  let records = 0
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').split('\n')
    for (let index = 0; index < lines.length; index++) {
      const text = `${lines[index]}`
      if (text.trim() === '') continue
      bytes += Buffer.byteLength(text)
      let record: unknown
      try {
        record = JSON.parse(text.replace(/^\uFEFF/, ''))
      } catch {
        places.push(`${file}:${index + 1}`)
        continue
      }
      records++
      const type = typeOf(record)
      types.set(type, (types.get(type) ?? 0) + 1)
      if (type !== 'object') continue
      for (const [field, value] of Object.entries(record as object)) {
        const seen = fields.get(field) ?? new Map<string, number>()
        seen.set(typeOf(value), (seen.get(typeOf(value)) ?? 0) + 1)
        fields.set(field, seen)
      }
    }
  }
  const entries = [...fields].map(([field, seen]) => {
    return [field, { count: sum([...seen.values()]), types: Object.fromEntries(seen) }] as const
  })
  return {
    bytes,
    records,
    types: Object.fromEntries(types),
    fields: Object.fromEntries(entries),
    malformed: { count: places.length, places },
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}
