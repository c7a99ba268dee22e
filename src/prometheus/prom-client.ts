import { UsageError } from '../errors/configuration.js';
import { type Pools, requirePools } from '../metrics/pools.js';
import { type PrometheusOptions, readPrometheusOptions } from './options.js';
import {
  cumulative,
  type Scrape,
  Scraper,
  type Series,
  type SeriesValue,
  type ShownFamily,
  shownFamilies,
} from './scrape.js';
import { bounds } from './text-format.js';

/** The part of a registry of prom-client 15 that is used. */
export interface PromClientRegistry {
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
}

/** What prom-client's registry asks a metric for. */
interface PromClientMetric {
  /** The registry takes `_total` off the name of a counter before it writes OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  get(): Promise<object>;
  reset(): void;
}

/**
 * Adds the metrics of pools to a registry of prom-client 15, which then shows them beside your own. Nothing is counted twice: the
 * pools are read when the registry is, all metrics of one reading at the same moment.
 *
 * @param pools a pool, a list of pools, or a function that gives those that are there now
 * @returns a function that takes all of them out of the registry
 * @throws UsageError for anything else than pools or a registry, and when the registry already has a metric of such a name: then
 *   nothing was added. ConfigurationError for an option that cannot be used
 */
export function registerWith(registry: PromClientRegistry, pools: Pools, options: PrometheusOptions = {}): () => void {
  const read = readPrometheusOptions(options);
  requirePools(pools);
  requireRegistry(registry);
  const shown = shownFamilies(read);
  const taken = shown.map(({ name }) => name).filter((name) => registry.getSingleMetric(name) !== undefined);
  if (taken.length > 0) {
    throw new UsageError(
      `the registry has ${taken[0]} already${taken.length > 1 ? `, and ${taken.length - 1} more of these metrics` : ''}: register all pools by one call, registerWith(registry, [first, second]), or give a registry of its own`,
    );
  }
  const scrapes = new SharedScrape(new Scraper(pools, read));
  const metrics = shown.map((family) => metricOf(family, scrapes));
  for (const metric of metrics) registry.registerMetric(metric as never);
  const names = shown.map(({ name }) => name);
  return () => {
    names.forEach((name, index) => {
      // Whoever cleared the registry may have put something else there.
      if (registry.getSingleMetric(name) === metrics[index]) registry.removeSingleMetric(name);
    });
  };
}

/** A registry asks all its metrics in one turn: they share one reading, so that their numbers fit each other. */
class SharedScrape {
  readonly #scraper: Scraper;
  #now: Scrape | undefined;

  constructor(scraper: Scraper) {
    this.#scraper = scraper;
  }

  get now(): Scrape {
    if (this.#now !== undefined) return this.#now;
    queueMicrotask(() => {
      this.#now = undefined;
    });
    this.#now = this.#scraper.scrape();
    return this.#now;
  }
}

function metricOf(shown: ShownFamily, scrapes: SharedScrape): PromClientMetric {
  const { family, name, type, help, labels } = shown;
  return {
    ...{ name, help, type },
    // For a cluster of processes: a time or a share is no sum over them.
    aggregator: family.kind === 'gauge' ? 'max' : 'sum',
    async get() {
      const values = scrapes.now.series(shown).flatMap((series) => valuesOf(name, labels, series));
      return { name: this.name, help, type, values, aggregator: this.aggregator };
    },
    // What the pool counted stays counted.
    reset: () => undefined,
  };
}

interface PromClientValue {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function valuesOf(name: string, names: readonly string[], { labels, value }: Series<SeriesValue>): PromClientValue[] {
  const own: Record<string, string> = {};
  labels.forEach((label, index) => {
    if (label !== undefined) own[names[index] ?? ''] = label;
  });
  if (typeof value === 'number') return [{ labels: own, value }];
  return [
    ...cumulative(value.counts).map((count, index) => ({
      metricName: `${name}_bucket`,
      labels: { ...own, le: bounds[index] ?? '' },
      value: count,
    })),
    { metricName: `${name}_sum`, labels: own, value: value.sum },
    { metricName: `${name}_count`, labels: own, value: value.count },
  ];
}

function requireRegistry(registry: unknown): void {
  const { registerMetric, getSingleMetric, removeSingleMetric } = Object(registry) as Record<string, unknown>;
  if ([registerMetric, getSingleMetric, removeSingleMetric].every((method) => typeof method === 'function')) return;
  throw new UsageError(
    'registerWith(registry, pools) needs a registry of prom-client: its register, or a new Registry()',
  );
}
