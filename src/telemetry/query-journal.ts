import { type BucketedDurations, DurationBuckets } from '../pool/duration-buckets.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import { RecentHistogram, type TimeSummary } from '../pool/recent-histogram.js';
import type { Clock } from '../time/clock.js';
import { ErrorNames } from './error-names.js';
import { operationName } from './operation-name.js';
import type { PoolLabel } from './pool-label.js';

/** What the pool counts of queries. Times are in milliseconds. */
export interface QueryStatistics {
  /** Queries that ended, each attempt counted: those in transactions too, but not those that a savepoint replays. */
  readonly queries: number;
  /** How many of them failed: the call, or a statement of it. */
  readonly queriesFailed: number;
  /** How long queries took on their connection, without the wait for it. */
  readonly queryTime: TimeSummary;
}

/** Queries of one kind. */
export interface QueriesOfKind {
  /** See `operationName`. */
  readonly operation: string;
  /** The name of the error with which they failed; undefined for those that did not. */
  readonly error: string | undefined;
  readonly durations: BucketedDurations;
}

/** Counts the queries of a pool, and how long each took; nothing else does. It tells the listeners of `answered`. */
export class QueryJournal {
  readonly label: PoolLabel;
  readonly #events: Emitter<PoolEvents>;
  readonly #clock: Clock;
  readonly #times = new RecentHistogram();
  readonly #errors = new ErrorNames();
  readonly #failures = new Map<string, Map<string, DurationBuckets>>();
  readonly #successes = new Map<string, DurationBuckets>();
  #queries = 0;
  #failed = 0;

  constructor(label: PoolLabel, events: Emitter<PoolEvents>, clock: Clock) {
    this.label = label;
    this.#events = events;
    this.#clock = clock;
  }

  /** The time at which a query begins. */
  begin(): number {
    return this.#clock.now();
  }

  /**
   * @param began what {@link begin} gave
   * @param error why it failed; undefined when it did not
   */
  ended(connection: number, text: string, began: number, error: unknown): void {
    const now = this.#clock.now();
    const duration = now - began;
    const operation = operationName(text);
    this.#queries++;
    if (error !== undefined) this.#failed++;
    this.#times.record(duration, now);
    bucketsIn(error === undefined ? this.#successes : this.#failuresNamed(this.#errors.of(error)), operation).record(
      duration,
    );
    if (this.#events.has('answered')) this.#events.emit('answered', { connection, operation, duration, error });
  }

  #failuresNamed(name: string): Map<string, DurationBuckets> {
    const failures = this.#failures.get(name) ?? new Map<string, DurationBuckets>();
    this.#failures.set(name, failures);
    return failures;
  }

  statistics(): QueryStatistics {
    return {
      queries: this.#queries,
      queriesFailed: this.#failed,
      queryTime: this.#times.summary(this.#clock.now()),
    };
  }

  /** The durations of all queries, by what they did and how they failed. */
  get kinds(): QueriesOfKind[] {
    const kinds = kindsIn(this.#successes, undefined);
    for (const [error, failures] of this.#failures) kinds.push(...kindsIn(failures, error));
    return kinds;
  }
}

function bucketsIn(map: Map<string, DurationBuckets>, operation: string): DurationBuckets {
  let buckets = map.get(operation);
  if (buckets === undefined) {
    buckets = new DurationBuckets();
    map.set(operation, buckets);
  }
  return buckets;
}

function kindsIn(map: ReadonlyMap<string, DurationBuckets>, error: string | undefined): QueriesOfKind[] {
  return [...map].map(([operation, buckets]) => ({ operation, error, durations: buckets.read }));
}
