import { metrics, trace } from '@opentelemetry/api';
import { UsageError } from '../errors/configuration.js';
import { ConnectionManager } from '../manager.js';
import { PoolNames } from '../metrics/pool-names.js';
import { type InstrumentOptions, instrumentOptions } from './instrument-options.js';
import { measurePool } from './pool-metrics.js';
import { PoolSpans } from './pool-spans.js';
import { tracedPools } from './traced-pools.js';

/** What {@link instrumentPool} returns. */
export interface Instrumentation {
  /** Ends the metrics and spans of the pool; a second call does nothing. The pool can then be instrumented anew. */
  disable(): void;
}

const names = new PoolNames();
const instrumented = new Set<number>();

/**
 * Gives OpenTelemetry the metrics and spans of a pool, until `disable()` or the end of the pool's `shutdown()`. It uses
 * the API alone: the SDK, and where its data goes, is the application's. See docs/opentelemetry.md for each metric, span
 * and attribute.
 * @throws ConfigurationError for an option that cannot be used
 * @throws UsageError for a pool that is instrumented already, since all would be counted twice, and for anything else
 * than a pool of this copy of the package
 */
export function instrumentPool(manager: ConnectionManager, options: InstrumentOptions = {}): Instrumentation {
  const { pool, label } = ConnectionManager.partsOf(manager);
  const read = instrumentOptions.read(options);
  if (instrumented.has(label.id)) {
    throw new UsageError(
      `pool ${label.name} is instrumented already: instrumenting it again would count everything twice; disable() the first`,
    );
  }
  const { queryText = 'normalised', tenants = 0, propagate = true } = read;
  const ends: (() => void)[] = [];
  let disabled = false;
  const disable = (): void => {
    if (disabled) return;
    disabled = true;
    for (const end of ends) end();
    instrumented.delete(label.id);
    names.forget(manager);
  };
  instrumented.add(label.id);
  try {
    const name = names.of(manager);
    ends.push(measurePool(manager, read.meterProvider ?? metrics.getMeterProvider(), { name, tenants }));
    const spans = new PoolSpans(read.tracerProvider ?? trace.getTracerProvider(), { name, queryText, propagate });
    ends.push(tracedPools.add(label.id, spans));
    // Nothing happens in a closed pool any more, and the providers would keep it in memory.
    ends.push(pool.events.subscribe('shutdownFinished', disable));
  } catch (error) {
    disable();
    throw error;
  }
  return { disable };
}
