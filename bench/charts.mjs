// The report as SVG charts. Observable Plot draws them, since it needs only a document, which linkedom gives it without a browser.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { max, min } from 'simple-statistics'
import { REFERENCE } from './peers/load.mjs'
import { groups, size } from './workloads.mjs'

const WIDTH = 900
const LABELS_WIDTH = 260
const FIGURE_WIDTH = 60
/** How far the labels are from the longest message, as a factor, since the axis is logarithmic. */
const LABELS_APART = 1.5
const SMALL = 'stream-45B'

/**
 * @param {ReturnType<typeof import('./report.mjs').reportOf>} report
 * @param {string} directory made where it is missing
 * @returns {string[]} the files written
 */
export function drawCharts(report, directory) {
  mkdirSync(directory, { recursive: true })
  const charts = { rates: rates(report), cost: cost(report), ratios: ratios(report), latency: latency(report) }
  return Object.entries(charts)
    .filter(([, chart]) => chart !== undefined)
    .map(([name, chart]) => {
      const file = join(directory, `${name}.svg`)
      chart.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
      writeFileSync(file, `${chart.outerHTML}\n`)
      return file
    })
}

/** Messages a second by their size. */
function rates(report) {
  const points = curve(report, (median) => median)
  return lines(points, 'Messages a second, by bytes of JSON (ASCII)', 'messages/s')
}

/** What a byte costs, by the size of the message. */
function cost(report) {
  const points = curve(report, (median, bytes) => 1e9 / (median * bytes))
  return lines(points, 'Nanoseconds a byte, by bytes of JSON (ASCII)', 'ns/byte')
}

function curve({ peers, workloads }, figureOf) {
  const points = []
  for (const { name, bytes, unicode, results, limits } of workloads) {
    if (!name.startsWith('stream-') || unicode) continue
    for (const { name: peer, title } of peers) {
      const result = results[peer]
      if (result !== undefined)
        points.push({ title, bytes, value: figureOf(result.spread.median, bytes), ours: peer === REFERENCE })
    }
    for (const [limit, { median }] of Object.entries(limits)) {
      points.push({ title: `limit: ${limit}`, bytes, value: figureOf(median, bytes), limit: true })
    }
  }
  return points
}

function lines(points, title, unit) {
  if (points.length === 0) return undefined
  const labels = labelsOf(points)
  return plot(title, {
    height: 560,
    marginRight: LABELS_WIDTH,
    x: { type: 'log', base: 2, label: 'bytes', grid: true, ticks: 10, tickFormat: (bytes) => size(bytes) },
    color: { type: 'ordinal', scheme: 'turbo' }, // as many colours as there are lines
    y: { type: 'log', label: unit, grid: true, tickFormat: '~s' },
    marks: [
      Plot.line(points, {
        x: 'bytes',
        y: 'value',
        z: 'title',
        stroke: 'title',
        filter: (point) => !point.ours && !point.limit,
      }),
      Plot.line(points, {
        x: 'bytes',
        y: 'value',
        z: 'title',
        stroke: 'title',
        strokeDasharray: '6 3',
        filter: (point) => point.limit,
      }),
      Plot.line(points, {
        x: 'bytes',
        y: 'value',
        z: 'title',
        stroke: 'title',
        strokeWidth: 4,
        filter: (point) => point.ours,
      }),
      Plot.dot(points, { x: 'bytes', y: 'value', fill: 'title', r: 2.5 }),
      Plot.link(labels, {
        x1: 'bytes',
        y1: 'value',
        x2: 'edge',
        y2: 'at',
        stroke: 'title',
        strokeOpacity: 0.3,
      }),
      Plot.text(labels, { x: 'edge', y: 'at', text: 'title', fill: 'title', textAnchor: 'start', dx: 6 }),
    ],
  })
}

/** A label for each line, at the right edge: in the order in which the lines end, and evenly apart, so that none hides another. */
function labelsOf(points) {
  const edge = LABELS_APART * max(points.map(({ bytes }) => bytes))
  const heights = points.map(({ value }) => Math.log(value))
  const [low, high] = [min(heights), max(heights)]
  const last = [...new Map(points.toSorted((a, b) => a.bytes - b.bytes).map((point) => [point.title, point])).values()]
  return last
    .sort((a, b) => a.value - b.value)
    .map((point, rank) => ({ ...point, edge, at: Math.exp(low + ((rank + 0.5) / last.length) * (high - low)) }))
}

/** How many times faster this library is than each peer. */
function ratios({ peers, workloads }) {
  const results = workloads.find(({ name }) => name === SMALL)?.results ?? {}
  const bars = peers
    .filter(({ name }) => name !== REFERENCE && results[name]?.ratio !== undefined)
    .map(({ name, title }) => ({ title, ...results[name].ratio }))
  if (bars.length === 0) return undefined
  return plot(`How many times as fast ${REFERENCE} is: 45 bytes, streamed`, {
    height: 60 + 30 * bars.length,
    marginLeft: LABELS_WIDTH,
    marginRight: FIGURE_WIDTH,
    x: { label: 'times', grid: true, zero: true },
    y: { label: null },
    marks: [
      Plot.barX(bars, { x: 'median', y: 'title', sort: { y: '-x' }, fill: 'steelblue' }),
      Plot.ruleY(bars, { x1: 'min', x2: 'max', y: 'title' }),
      Plot.text(bars, {
        x: 'max',
        y: 'title',
        text: ({ median }) => `${median.toFixed(1)}x`,
        textAnchor: 'start',
        dx: 6,
      }),
      Plot.ruleX([1], { strokeDasharray: '4' }),
    ],
  })
}

/** Round trips: the median, and how far the slowest are from it. */
function latency({ peers, workloads }) {
  const titles = new Map(peers.map(({ name, title }) => [name, title]))
  const shown = workloads.filter(({ name }) => groups.latency.includes(name))
  const trips = shown.flatMap(({ title: workload, results }) =>
    Object.entries(results)
      .filter(([, { p99 }]) => p99 !== undefined)
      .flatMap(([peer, { spread, p99, p999 }]) =>
        Object.entries({ median: spread.median, p99: p99, 'p99.9': p999 }).map(([quantile, microseconds]) => ({
          workload,
          peer: titles.get(peer),
          quantile,
          microseconds,
        }))
      )
  )
  if (trips.length === 0) return undefined
  const rows = new Set(trips.map(({ workload }) => workload)).size * new Set(trips.map(({ peer }) => peer)).size
  return plot('Request and reply: median (blue), p99 (orange), p99.9 (red)', {
    height: 120 + 26 * rows,
    marginLeft: LABELS_WIDTH,
    marginRight: LABELS_WIDTH,
    x: { type: 'log', label: 'us', grid: true, tickFormat: '~s' },
    y: { label: null },
    fy: { label: null },
    color: { domain: ['median', 'p99', 'p99.9'], range: ['royalblue', 'orange', 'crimson'] },
    marks: [
      Plot.frame({ strokeOpacity: 0.2 }),
      Plot.line(trips, { x: 'microseconds', y: 'peer', fy: 'workload', z: 'peer', strokeOpacity: 0.4 }),
      Plot.dot(trips, { x: 'microseconds', y: 'peer', fy: 'workload', fill: 'quantile', r: 4 }),
      Plot.text(
        trips,
        Plot.selectFirst({
          x: 'microseconds',
          y: 'peer',
          fy: 'workload',
          z: 'peer',
          text: ({ microseconds }) => microseconds.toFixed(0),
          dy: -8,
        })
      ),
    ],
  })
}

function plot(title, options) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const heading = Plot.text([title], {
    facet: 'super',
    frameAnchor: 'top-left',
    dy: -28,
    fontSize: 15,
    fontWeight: 'bold',
  })
  const style = { background: 'white', color: 'black', fontFamily: 'sans-serif', fontSize: '12px' }
  return Plot.plot({ document, width: WIDTH, marginTop: 48, style, ...options, marks: [heading, ...options.marks] })
}
