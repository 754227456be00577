// The report as JSON.

/** Of the report's shape: more when a field changes its meaning. */
export const REPORT_VERSION = 1

/**
 * @param {ReturnType<typeof import('./machine.mjs').describeRun>} run
 * @param {import('./options.mjs').Options} options
 * @param {import('./summary.mjs').Summary[]} summaries
 * @param {Map<string, import('./peers/driver.mjs').Driver>} drivers
 * @param {import('./find-peers.mjs').Skip[]} skipped
 */
export function reportOf(run, { runs, seconds, quick }, summaries, drivers, skipped) {
  return {
    version: REPORT_VERSION,
    ...run,
    options: { runs, seconds, quick },
    peers: [...drivers].map(([name, { title, promise }]) => ({ name, title, promise })),
    workloads: summaries.map(({ workload, results, limits }) => ({
      name: workload.name,
      title: workload.title,
      unit: workload.unit,
      better: workload.better,
      bytes: workload.bytes,
      unicode: workload.unicode ?? false,
      results: Object.fromEntries(results),
      limits: Object.fromEntries(limits),
    })),
    skipped,
  }
}
