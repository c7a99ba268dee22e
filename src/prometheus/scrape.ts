import type { ConnectionManager } from '../manager.js';
import { families, poolNameAttribute } from '../metrics/families.js';
import { type Attributes, type Family, labelName, prometheusName } from '../metrics/family.js';
import { PoolNames } from '../metrics/pool-names.js';
import { type Pools, poolsNow } from '../metrics/pools.js';
import { type PoolReading, readPool } from '../metrics/reading.js';
import type { BucketedDurations } from '../pool/duration-buckets.js';

/** A family as Prometheus sees it. */
export interface ShownFamily {
  readonly family: Family;
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  /** The names of its labels in the order in which they are written; the pool's name is the first. */
  readonly labels: readonly string[];
}

/** One series, with the values of its labels in the order of the family's; undefined for one that it does not have. */
export interface Series<Value> {
  readonly labels: readonly (string | undefined)[];
  readonly value: Value;
}

export type SeriesValue = number | BucketedDurations;

/** The families that are shown; those of tenants only when there are tenants. */
export function shownFamilies({ tenants }: { readonly tenants: number }): readonly ShownFamily[] {
  return families
    .filter(({ ofTenants }) => tenants > 0 || !ofTenants)
    .map((family) => ({
      family,
      name: prometheusName(family),
      // Prometheus has no type for a count that also falls.
      type: family.kind === 'upDownCounter' ? 'gauge' : family.kind,
      help: family.help,
      labels: [poolNameAttribute, ...family.attributes].map(labelName),
    }));
}

/** Reads pools again and again; two pools of one name keep the names that tell them apart. */
export class Scraper {
  readonly #pools: Pools;
  readonly #tenants: number;
  readonly #names = new PoolNames();
  #known: readonly ConnectionManager[] = [];

  constructor(pools: Pools, { tenants }: { readonly tenants: number }) {
    this.#pools = pools;
    this.#tenants = tenants;
  }

  /** All pools at this moment. */
  scrape(): Scrape {
    const pools = poolsNow(this.#pools);
    for (const pool of this.#known) if (!pools.includes(pool)) this.#names.forget(pool);
    this.#known = pools;
    return new Scrape(
      pools.map((pool) => ({
        name: this.#names.of(pool),
        reading: readPool(pool, { tenants: this.#tenants }),
      })),
    );
  }
}

interface NamedReading {
  readonly name: string;
  readonly reading: PoolReading;
}

/** What all pools had at one moment. */
export class Scrape {
  readonly #pools: readonly NamedReading[];

  constructor(pools: readonly NamedReading[]) {
    this.#pools = pools;
  }

  /**
   * The series of a family, in the order of the pools. No two have the same labels, whatever callers gave as names: Prometheus
   * drops a whole scrape for two that do, so they are added up.
   */
  series({ family }: ShownFamily): readonly Series<SeriesValue>[] {
    const found = new Map<string, Series<SeriesValue>>();
    for (const { name, reading } of this.#pools) {
      const samples: readonly { attributes: Attributes; value: SeriesValue }[] =
        family.kind === 'histogram'
          ? family.read(reading).map(({ attributes, durations }) => ({ attributes, value: durations }))
          : family.read(reading);
      for (const { attributes, value } of samples) {
        const labels = [name, ...family.attributes.map((attribute) => attributes[attribute])].map(written);
        const key = labels.map((label) => label ?? '').join('\0');
        const before = found.get(key);
        found.set(key, { labels, value: before === undefined ? value : added(before.value, value) });
      }
    }
    return [...found.values()];
  }
}

/** A text is sent in UTF-8, which has no halves of surrogate pairs. */
function written(label: string | undefined): string | undefined {
  return label?.toWellFormed();
}

/** The sum of two series of one family. */
function added(one: SeriesValue, other: SeriesValue): SeriesValue {
  if (typeof one === 'number') return typeof other === 'number' ? one + other : one;
  if (typeof other === 'number') return one;
  return {
    counts: one.counts.map((count, bucket) => count + (other.counts[bucket] ?? 0)),
    sum: one.sum + other.sum,
    count: one.count + other.count,
  };
}

/** The buckets as Prometheus has them: each holds those below it, and the last one all. */
export function cumulative(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}
