import { type Attributes, createNoopMeter, type Histogram, type Meter, type MeterProvider } from '@opentelemetry/api';
import { ConnectionManager } from '../manager.js';
import { families, poolNameAttribute } from '../metrics/families.js';
import type { HistogramFamily } from '../metrics/family.js';
import { ErrorNames } from '../telemetry/error-names.js';
import { histogramOf } from './instruments.js';
import { type MeasuringOptions, PoolObserver } from './pool-observer.js';
import { scope } from './scope.js';

/**
 * Gives OpenTelemetry the metrics of a pool.
 * @returns ends it
 */
export function measurePool(
  manager: ConnectionManager,
  provider: MeterProvider,
  options: MeasuringOptions,
): () => void {
  const meter = provider.getMeter(scope.name, scope.version);
  // Without an SDK nobody would read what is counted here.
  if (meter.constructor === createNoopMeter().constructor) return () => {};
  const observer = new PoolObserver(meter, manager, options);
  const forget = recordDurations(manager, meter, { [poolNameAttribute]: options.name });
  return () => {
    observer.end();
    forget();
  };
}

/**
 * Records durations as they happen: the API has no histogram that is read.
 * @returns ends it
 */
function recordDurations(manager: ConnectionManager, meter: Meter, poolName: Attributes): () => void {
  const { events } = ConnectionManager.partsOf(manager).pool;
  const operations = histogram(meter, 'db.client.operation.duration');
  const creating = histogram(meter, 'db.client.connection.create_time');
  const waiting = histogram(meter, 'db.client.connection.wait_time');
  const using = histogram(meter, 'db.client.connection.use_time');
  const errors = new ErrorNames();
  const waited = ({ error, waited: length }: { readonly error?: unknown; readonly waited?: number }): void => {
    // The event of a refusal has it in its error alone.
    const { waited: untilError = 0 } = (error ?? {}) as { readonly waited?: number };
    waiting.record((length ?? untilError) / 1000, poolName);
  };
  const ends = [
    events.subscribe('answered', ({ operation, duration, error }) => {
      const attributes = { 'db.system.name': 'surrealdb', 'db.operation.name': operation, ...poolName };
      operations.record(
        duration / 1000,
        error === undefined ? attributes : { ...attributes, 'error.type': errors.of(error) },
      );
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

function histogram(meter: Meter, name: string): Histogram {
  const family = families.find((one): one is HistogramFamily => one.name === name && one.kind === 'histogram');
  if (family === undefined) throw new Error(`there is no family ${name}`);
  return histogramOf(meter, family);
}
