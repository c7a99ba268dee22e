import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { ConnectionManager } from '../manager.js';
import { families, poolNameAttribute } from '../metrics/families.js';
import type { NumberFamily } from '../metrics/family.js';
import { type PoolReading, readPool } from '../metrics/reading.js';
import { observableOf } from './instruments.js';

/** How the metrics of a pool are shown. */
export interface MeasuringOptions {
  /** The name of the pool, unlike that of any other. */
  readonly name: string;
  /** How many agents are shown by name; 0 for none. */
  readonly tenants: number;
}

/** The series of levels that were exported last, by the values of their own attributes, as a text. */
type Exported = Map<NumberFamily, Map<string, Attributes>>;

/** Pools that have ended and are to be collected once more, by their name. */
const ending = new WeakMap<Meter, Map<string, PoolObserver>>();

/**
 * Observes the levels and counters of a pool. They are read from its statistics, once per collection: no event can be missed
 * or counted twice, so they never drift.
 *
 * An SDK goes on exporting the last value of a series that is no longer observed, so a level that is gone, such as that of a
 * server which left the pool, is observed once more, as 0. So are all levels of a pool at its end, with its last counts.
 */
export class PoolObserver {
  readonly #meter: Meter;
  readonly #options: MeasuringOptions;
  readonly #observed: readonly { readonly family: NumberFamily; readonly instrument: Observable }[];
  readonly #exported: Exported;
  /** How the pool is read: after its end there is only its last reading. */
  #read: () => PoolReading;
  #ended = false;

  constructor(meter: Meter, manager: ConnectionManager, options: MeasuringOptions) {
    this.#meter = meter;
    this.#options = options;
    this.#read = () => readPool(manager, options);
    this.#observed = families
      .filter((family): family is NumberFamily => family.kind !== 'histogram')
      .filter(({ ofTenants }) => options.tenants > 0 || !ofTenants)
      .map((family) => ({ family, instrument: observableOf(meter, family) }));
    const former = ending.get(meter)?.get(options.name);
    // Two may not observe one series in the same collection: the second goes on where the first has ended.
    if (former !== undefined) former.#remove();
    this.#exported = former === undefined ? new Map() : former.#exported;
    meter.addBatchObservableCallback(this.#observe, this.#instruments);
  }

  get #instruments(): Observable[] {
    return this.#observed.map(({ instrument }) => instrument);
  }

  /** The pool is no longer shown. It is not referenced any more. */
  end(): void {
    if (this.#ended) return;
    const last = this.#read();
    this.#read = () => last;
    this.#ended = true;
    const ofMeter = ending.get(this.#meter) ?? new Map<string, PoolObserver>();
    ending.set(this.#meter, ofMeter);
    ofMeter.set(this.#options.name, this);
  }

  readonly #observe = (result: BatchObservableResult): void => {
    const reading = this.#read();
    const poolName = { [poolNameAttribute]: this.#options.name };
    for (const { family, instrument } of this.#observed) {
      const isLevel = family.kind !== 'counter';
      const present = new Map<string, Attributes>();
      const samples = this.#ended && isLevel ? [] : family.read(reading);
      for (const { attributes: own, value } of samples) {
        const attributes = { ...own, ...poolName };
        result.observe(instrument, value, attributes);
        if (isLevel) present.set(Object.values(own).join('\n'), attributes);
      }
      for (const [key, attributes] of this.#exported.get(family) ?? []) {
        if (!present.has(key)) result.observe(instrument, 0, attributes);
      }
      this.#exported.set(family, present);
    }
    // Not now: an SDK may be going through its callbacks.
    if (this.#ended) queueMicrotask(() => this.#remove());
  };

  #remove(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#instruments);
    const ofMeter = ending.get(this.#meter);
    if (ofMeter?.get(this.#options.name) === this) ofMeter.delete(this.#options.name);
  }
}
