import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { DOMParser } from 'linkedom'
import { findPeers } from '../find-peers.mjs'
import { REPORT_VERSION } from '../report.mjs'
import { groups, workloads } from '../workloads.mjs'

const RUN_MS = 150_000
const run = promisify(execFile)
const script = fileURLToPath(new URL('../run', import.meta.url))
const SMALL = workloads.filter(({ name }) => groups.small.includes(name))

describe('a quick comparison of the small workloads', function () {
  this.timeout(RUN_MS)

  let directory
  let output
  let report

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bench-test-'))
    const files = ['--json', join(directory, 'report.json'), '--charts', join(directory, 'charts')]
    const which = ['--workload', 'small', '--peer', 'ndjson,child_process-json']
    output = await run(script, ['--quick', ...which, ...files], { timeout: RUN_MS })
    report = JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'))
  })

  after(() => rmSync(directory, { recursive: true, force: true }))

  it('reports where, when and with what it was made', () => {
    expect(report).to.have.all.keys(
      'version',
      'date',
      'commit',
      'node',
      'machine',
      'options',
      'peers',
      'workloads',
      'skipped'
    )
    expect(report.version).to.equal(REPORT_VERSION)
    expect(report.node).to.equal(process.version)
    expect(new Date(report.date).toISOString()).to.equal(report.date)
    expect(report.commit).to.match(/^[0-9a-f]{12}\+?$/)
    expect(report.machine).to.have.all.keys('cpu', 'cores', 'memoryBytes', 'kernel')
    expect(report.machine.cores).to.equal(cpus().length)
    expect(report.options).to.include({ quick: true })
  })

  it('has a figure of every peer for every workload, with its ratio and its shares', () => {
    expect(report.skipped.filter(({ peer }) => !peer.includes('limit'))).to.deep.equal([])
    expect(report.workloads.map(({ name }) => name)).to.deep.equal(groups.small)
    expect(report.peers.map(({ name }) => name)).to.deep.equal(['wormhole-ipc', 'child_process-json', 'ndjson'])
    for (const { results, limits, unit, better } of report.workloads) {
      expect([unit, better]).to.deep.equal(['/s', 'higher'])
      expect(limits).to.include.keys('codec')
      for (const { name } of report.peers) {
        const { values, spread, ratio, share } = results[name]
        expect(values).to.have.lengthOf(spread.runs)
        expect(spread.min).to.be.greaterThan(0).and.at.most(spread.median)
        expect(spread.max).to.be.at.least(spread.median)
        expect(ratio.median).to.be.greaterThan(0)
        expect(share).to.have.all.keys(Object.keys(limits))
      }
    }
  })

  it('prints a table of each workload, and no bar where nobody looks', () => {
    for (const { name, title } of SMALL) expect(output.stdout).to.include(`## ${name}: ${title}`)
    expect(output.stdout).to.include('| NDJSON over net.Socket ')
    expect(output.stderr).not.to.include('\x1b')
  })

  it('draws charts that are SVG', () => {
    for (const name of ['rates', 'cost', 'ratios']) {
      const text = readFileSync(join(directory, 'charts', `${name}.svg`), 'utf8')
      const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement
      expect(svg.tagName.toLowerCase()).to.equal('svg')
      expect(svg.getAttribute('xmlns')).to.equal('http://www.w3.org/2000/svg')
      expect(text).to.include('wormhole-ipc')
    }
  })
})

describe('a quick comparison of calls and pools', function () {
  this.timeout(RUN_MS)

  it('has a table of each with the peers that can take it, and the processor time beside the figure', async function () {
    const { drivers } = await findPeers(['birpc', 'tinypool'])
    if (drivers.size < 2) this.skip()
    const directory = mkdtempSync(join(tmpdir(), 'bench-test-'))
    const file = join(directory, 'report.json')
    const which = ['--workload', 'calls-1,pool-100', '--peer', 'birpc,tinypool']
    const { stdout } = await run(script, ['--quick', '--runs', '1', ...which, '--json', file], { timeout: RUN_MS })
    const { workloads, skipped } = JSON.parse(readFileSync(file, 'utf8'))
    rmSync(directory, { recursive: true })
    expect(skipped.filter(({ peer }) => drivers.has(peer))).to.deep.equal([])
    expect(workloads.map(({ name, results }) => [name, Object.keys(results)])).to.deep.equal([
      ['calls-1', ['wormhole-ipc', 'birpc']],
      ['pool-100', ['wormhole-ipc', 'tinypool']],
    ])
    for (const { results } of workloads) {
      for (const { cpu, ratio } of Object.values(results)) {
        expect(cpu).to.be.greaterThan(0)
        expect(ratio.median).to.be.greaterThan(0)
      }
    }
    const [calls, pool] = stdout.split('## pool-100')
    expect(calls)
      .to.include('birpc')
      .and.to.include('processor time, us')
      .and.to.include('p99.9')
      .and.not.include('tinypool')
    expect(pool).to.include('tinypool').and.to.include('processor time, us').and.not.include('birpc')
  })
})
