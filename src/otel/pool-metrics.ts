import {
  type Attributes,
  type BatchObservableResult,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type Observable,
} from '@opentelemetry/api';
import { ConnectionManager } from '../manager.js';
import { families, poolNameAttribute } from '../metrics/families.js';
import type { Family, HistogramFamily, NumberFamily } from '../metrics/family.js';
import { readPool } from '../metrics/reading.js';
import { durationBoundaries } from '../pool/duration-buckets.js';
import { ErrorNames } from '../telemetry/error-names.js';
import { scope } from './scope.js';

/** How the metrics of a pool are shown. */
export interface MeasuringOptions {
  /** The name of the pool, unlike that of any other. */
  readonly name: string;
  /** How many agents are shown by name; 0 for none. */
  readonly tenants: number;
}

/**
 * Levels and counters are read from the statistics of the pool, once per collection: no event can be missed or counted
 * twice, so they never drift. Durations are recorded as they happen, for the API knows no other way.
 * @returns ends it
 */
export function measurePool(
  manager: ConnectionManager,
  provider: MeterProvider,
  { name, tenants }: MeasuringOptions,
): () => void {
  const meter = provider.getMeter(scope.name, scope.version);
  // Without an SDK nobody would read what is counted here.
  if (meter.constructor === createNoopMeter().constructor) return () => {};
  const shown = families.filter(({ ofTenants }) => tenants > 0 || !ofTenants);
  const numbers = shown.filter((family): family is NumberFamily => family.kind !== 'histogram');
  const observed = numbers.map((family) => ({ family, instrument: instrumentOf(meter, family) as Observable }));
  const poolName = { [poolNameAttribute]: name };
  const observe = (result: BatchObservableResult): void => {
    const reading = readPool(manager, { tenants });
    for (const { family, instrument } of observed) {
      for (const { attributes, value } of family.read(reading)) {
        result.observe(instrument, value, { ...attributes, ...poolName });
      }
    }
  };
  const instruments = observed.map(({ instrument }) => instrument);
  meter.addBatchObservableCallback(observe, instruments);
  const forget = recordDurations(manager, meter, poolName);
  return () => {
    meter.removeBatchObservableCallback(observe, instruments);
    forget();
  };
}

/** @returns ends it */
function recordDurations(manager: ConnectionManager, meter: Meter, poolName: Attributes): () => void {
  const { events } = ConnectionManager.partsOf(manager).pool;
  const histogram = (name: string): Histogram => {
    const family = families.find((one): one is HistogramFamily => one.name === name && one.kind === 'histogram');
    if (family === undefined) throw new Error(`there is no family ${name}`);
    return instrumentOf(meter, family) as Histogram;
  };
  const operations = histogram('db.client.operation.duration');
  const creating = histogram('db.client.connection.create_time');
  const waiting = histogram('db.client.connection.wait_time');
  const using = histogram('db.client.connection.use_time');
  const errors = new ErrorNames();
  const waited = ({ error, waited: ms }: { readonly error?: unknown; readonly waited?: number }): void => {
    // A refusal has it in its error alone.
    const length = ms ?? (error as { readonly waited?: number } | undefined)?.waited ?? 0;
    waiting.record(length / 1000, poolName);
  };
  const ends = [
    events.subscribe('answered', ({ operation, duration, error }) => {
      operations.record(duration / 1000, {
        ...{ 'db.system.name': 'surrealdb', 'db.operation.name': operation, ...poolName },
        ...(error !== undefined && { 'error.type': errors.of(error) }),
      });
    }),
    events.subscribe('opened', ({ duration }) => creating.record(duration / 1000, poolName)),
    events.subscribe('acquired', waited),
    events.subscribe('acquireTimedOut', waited),
    events.subscribe('acquireAborted', waited),
    events.subscribe('acquireFailed', waited),
    events.subscribe('acquireRefused', waited),
    events.subscribe('released', ({ held }) => using.record(held / 1000, poolName)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** All pools of a meter share its instruments: an SDK warns of two that have one name. */
const instrumentsOf = new WeakMap<Meter, Map<Family, Observable | Histogram>>();

function instrumentOf(meter: Meter, family: Family): Observable | Histogram {
  const made = instrumentsOf.get(meter) ?? new Map<Family, Observable | Histogram>();
  instrumentsOf.set(meter, made);
  const instrument = made.get(family) ?? makeInstrument(meter, family);
  made.set(family, instrument);
  return instrument;
}

function makeInstrument(meter: Meter, { kind, name, unit, help }: Family): Observable | Histogram {
  const options = { unit, description: help };
  switch (kind) {
    case 'gauge':
      return meter.createObservableGauge(name, options);
    case 'upDownCounter':
      return meter.createObservableUpDownCounter(name, options);
    case 'counter':
      return meter.createObservableCounter(name, options);
    case 'histogram':
      return meter.createHistogram(name, {
        ...options,
        advice: { explicitBucketBoundaries: [...durationBoundaries] },
      });
  }
}
