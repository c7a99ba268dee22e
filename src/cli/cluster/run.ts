import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionManager, createPool } from '../../manager.js';
import { Driver } from '../driver.js';
import type { Interruption } from '../interruption.js';
import type { LoadOptions } from '../load-options.js';
import { Measurements } from '../measurements.js';
import type { ProgressDisplay } from '../progress.js';
import { seededRandom } from '../seeded-random.js';
import { versionsWith } from '../versions.js';
import { Calls } from './calls.js';
import type { Cluster } from './cluster.js';
import { plan, settings } from './plan.js';
import { type ClusterReport, clusterReport, type Sample } from './report.js';
import { ClusterWorkload } from './workload.js';

/** How long the load runs before the first part, in milliseconds: connections are opened and code is compiled. */
const warmUp = 1_000;
const sampleInterval = 500;
/** How long after its time a run waits until each server has its share, in milliseconds. */
const patience = 20_000;
/** How long calls under way at the end may take, in milliseconds: longer than `queryTimeout`. */
const lastPatience = 5_000;
/** How long a server that goes on may take to hand on what it had read before, in milliseconds. */
const lateWrites = 500;

/** Loads a pool over servers of its own, kills and freezes some of them, and compares what callers were told with the store. */
export async function runCluster(
  cluster: Cluster,
  options: LoadOptions,
  interruption: Promise<Interruption>,
  display: ProgressDisplay,
  opened: (pool: ConnectionManager) => void = () => {},
): Promise<ClusterReport> {
  const { maxConnections } = options;
  const { namespace, database } = options;
  const pool = await createPool([...cluster.urls], {
    ...{ namespace, database, minConnections: maxConnections, maxConnections },
    ...settings,
    // A message for each call, so that the queries of a server are the calls that it served.
    batching: 'off',
  });
  opened(pool);
  try {
    return await new ClusterRun(cluster, pool, options, display).play(interruption);
  } finally {
    await pool.shutdown({ gracePeriod: 0 });
  }
}

/** One run over servers that are lost and come back. */
class ClusterRun {
  readonly #cluster: Cluster;
  readonly #pool: ConnectionManager;
  readonly #options: LoadOptions;
  readonly #display: ProgressDisplay;
  readonly #calls = new Calls();
  readonly #samples: Sample[] = [];
  readonly #stop = new AbortController();
  #interrupted: Interruption | null = null;
  /** When the first part began. */
  #began = Number.POSITIVE_INFINITY;

  constructor(cluster: Cluster, pool: ConnectionManager, options: LoadOptions, display: ProgressDisplay) {
    this.#cluster = cluster;
    this.#pool = pool;
    this.#options = options;
    this.#display = display;
  }

  async play(interruption: Promise<Interruption>): Promise<ClusterReport> {
    const { demand, seed } = this.#options;
    void interruption.then((signal) => {
      this.#interrupted = signal;
      this.#stop.abort();
    });
    const workload = new ClusterWorkload(this.#pool, this.#calls, seededRandom(seed));
    this.#display.say('making the tables …');
    await workload.prepare();
    const { version } = await this.#pool.version();

    const measurements = new Measurements(performance.now());
    const driver = new Driver(this.#pool, workload, measurements, {
      single: this.#pool,
      random: seededRandom(seed + 1),
    });
    const stopProgress = this.#showProgress(measurements);
    try {
      await Promise.all([driver.drive(demand, this.#stop.signal), this.#sample(), this.#followPlan()]);
    } finally {
      this.#stop.abort();
      stopProgress();
    }
    this.#display.say('comparing with the store …');
    await driver.settled(lastPatience);
    driver.end();
    this.#calls.leave(performance.now());
    await sleep(lateWrites);
    return clusterReport({
      versions: versionsWith(version, true),
      servers: this.#cluster.urls.length,
      maxConnections: this.#options.maxConnections,
      rate: 'rate' in demand ? demand.rate : null,
      workers: 'workers' in demand ? demand.workers : null,
      settings,
      interrupted: this.#interrupted,
      parts: this.#calls.figures,
      errors: Object.fromEntries([...this.#calls.errors].sort(([, one], [, other]) => other.count - one.count)),
      samples: this.#samples,
      store: workload.ledger.check(await workload.stored()),
    });
  }

  /** Follows the plan, then waits until the servers share the load again. */
  async #followPlan(): Promise<void> {
    let frozen: number | undefined;
    try {
      await this.#pause(warmUp);
      this.#began = performance.now();
      for (const { title, share, action } of plan) {
        if (this.#stop.signal.aborted) return;
        this.#calls.enter(title, action?.what === 'start' || action?.what === 'thaw', performance.now());
        if (action !== undefined) await this.#cluster.act(action.what, action.server);
        frozen = action?.what === 'freeze' ? action.server : undefined;
        await this.#pause((this.#options.duration ?? 0) * share);
      }
      const end = performance.now() + patience;
      while (!this.#isShared() && performance.now() < end) await this.#pause(sampleInterval);
      await this.#pause(sampleInterval);
    } finally {
      if (frozen !== undefined) await this.#cluster.act('thaw', frozen);
      this.#stop.abort();
    }
  }

  /** Notes what each server has and does. */
  async #sample(): Promise<void> {
    let before = await this.#cluster.queries();
    while (!this.#stop.signal.aborted) {
      await this.#pause(sampleInterval);
      const queries = await this.#cluster.queries();
      const endpoints = this.#pool.endpoints();
      const last = before;
      before = queries;
      const at = performance.now() - this.#began;
      if (at < 0) continue;
      this.#samples.push({
        at,
        servers: this.#cluster.urls.map((url, index) => {
          const { connections = 0, state = 'out' as const } = endpoints.find((endpoint) => endpoint.url === url) ?? {};
          return { queries: (queries[index] ?? 0) - (last[index] ?? 0), connections, state };
        }),
      });
      if (this.#isShared()) this.#calls.shared(performance.now());
    }
  }

  /** Whether all servers are well, and each has its connections, give or take one. */
  #isShared(): boolean {
    const endpoints = this.#pool.endpoints();
    const fair = this.#options.maxConnections / endpoints.length;
    return endpoints.every(
      ({ state, connections }) => state === 'well' && Math.abs(connections - fair) <= Math.max(1, fair / 4),
    );
  }

  /** Ends early when the run is stopped. */
  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  /** Returns a function that ends the display. */
  #showProgress(measurements: Measurements): () => void {
    const { progress, duration } = this.#options;
    if (progress === 0) return () => {};
    const timer = setInterval(() => {
      const now = performance.now();
      const { duration: lasted, succeeded, failed, p99 } = measurements.interval(now);
      const { leased, waiting, oldestWaiter, maxConnections } = this.#pool.poolStats();
      const states = this.#pool.endpoints().map(({ state }, index) => `${index + 1} ${state}`);
      this.#display.show({
        ...{ elapsed: now - measurements.started, duration, operations: null, ended: measurements.latency.count },
        ...{ rate: (1_000 * succeeded) / lasted, used: leased, maxConnections, waiting, oldestWaiter, p99 },
        ...{ errors: failed, errorsInAll: measurements.failed },
        servers: `${this.#calls.title}; the pool has ${states.join(', ')}`,
      });
    }, progress);
    return () => clearInterval(timer);
  }
}
