import { describe, expect, test } from 'vitest';
import { formatCount, formatDuration } from '../../src/cli/formats.js';
import type { ScenarioReport } from '../../src/cli/scenario-report.js';
import { playScenario } from '../../src/cli/scenario-run.js';
import { ownPlaces } from './own-places.js';

/** How long, in milliseconds, those scenarios go on that go on for as long as they are told. */
const duration = 500;

/**
 * A scenario of `surreal-pool load --scenario`, on an engine inside the process and over sockets. On rocksdb, because
 * the other engines lose updates by themselves. Nothing of time is asserted; what was measured is printed.
 *
 * @param shows What it has to show in numbers, besides all that the scenario itself expects.
 */
export function plays(scenario: string, shows: (report: ScenarioReport) => void): void {
  describe(`load scenario ${scenario}`, () => {
    test.each(ownPlaces())('%s', async (where, endpoint) => {
      const place = { namespace: 'load', database: 'load', credentials: null, duration };
      const report = await playScenario(scenario, {
        ...place,
        endpoint: endpoint(),
        stop: new AbortController().signal,
      });
      console.log(measured(where, report));
      expect(report.expectations.filter(({ held }) => !held)).toEqual([]);
      expect(report.expectations.length).toBeGreaterThan(0);
      shows(report);
    });
  });
}

function measured(where: string, { scenario, operations, throughput, latency, wait, pool }: ScenarioReport): string {
  const times = (['p50', 'p90', 'p99'] as const).map(
    (name) => `${name} ${formatDuration(latency[name])} (wait ${formatDuration(wait[name])})`,
  );
  return [
    `${scenario}, ${where}: ${operations.total} operations, ${operations.errors} errors`,
    `${formatCount(throughput)}/s`,
    ...times,
    `reuse ${pool.averageReuseRatio.toFixed(1)} %`,
  ].join(', ');
}
