import type { LoadFigures } from '../../src/cli/load-figures.js';
import type { LoadReport } from '../../src/cli/load-report.js';
import type { HistogramSummary } from '../../src/pool/histogram.js';

export function summary(times: Partial<HistogramSummary> = {}): HistogramSummary {
  return { count: 1_000, mean: 1, p50: 1, p90: 1, p99: 1, max: 1, ...times };
}

/** The figures of a run in which nothing is remarkable, but for what is given. */
export function figures(remarkable: Partial<LoadFigures> = {}): LoadFigures {
  return {
    load: {
      endpoint: 'ws://db:8000/rpc',
      engine: 'server',
      namespace: 'load',
      database: 'load',
      workers: 8,
      rate: null,
      agents: null,
      singleCalls: false,
      mix: { read: 80, write: 20 },
      statements: null,
      duration: 2_000,
      operations: null,
    },
    interrupted: null,
    elapsed: 2_000,
    operations: {
      total: 1_000,
      reads: 800,
      writes: 200,
      errors: 0,
      unfinished: 0,
      unanswered: 0,
      dropped: 0,
      refused: 0,
    },
    throughput: { mean: 500, slowestSecond: 480, perSecond: [480, 520] },
    wait: summary({ mean: 0.01, p50: 0.01, p90: 0.01, p99: 0.02, max: 0.3 }),
    query: summary(),
    latency: summary(),
    latencyDistribution: [{ upTo: 1, count: 1_000 }],
    queryAlone: 0.8,
    processBusy: 20,
    pool: {
      minConnections: 5,
      maxConnections: 20,
      opened: 8,
      openFailed: 0,
      closed: 0,
      closedBy: {},
      reuse: 98,
      messages: { sent: 0, calls: 0, callsPerMessage: null },
      endpoints: [],
    },
    agents: null,
    errors: {},
    ...remarkable,
  };
}

export function report(remarkable: Partial<LoadReport> = {}): LoadReport {
  return {
    schema: 1,
    versions: { package: '0.1.0', node: '22.0.0', sdk: '2.0.8', engine: null, server: '3.3.5' },
    verdict: { finding: 'healthy', sentence: 'Healthy.' },
    assertions: [],
    ...figures(),
    ...remarkable,
  };
}
