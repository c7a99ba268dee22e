import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { ClosedOptions, type OptionReader } from '../config/closed-options.js';
import { asFlag, oneOf } from '../config/option-readers.js';
import { describe, Refusal } from '../config/refusal.js';
import { asTenants } from '../metrics/tenants-option.js';

/** Options of `instrumentPool()`. */
export interface InstrumentOptions {
  /** Where the metrics go. Default: the global one, as it is when `instrumentPool()` is called. */
  meterProvider?: MeterProvider | undefined;
  /** Where the spans go. Default: the global one, which may be set later. */
  tracerProvider?: TracerProvider | undefined;
  /**
   * Whether spans of queries have `db.query.text`: `normalised`, the statement with `?` for each value; `none`, nothing.
   * Default: `normalised`.
   */
  queryText?: 'normalised' | 'none' | undefined;
  /**
   * How many agents have metrics of their own: the busiest; the others are counted as `other`. At most 1,000. Default: 0, no
   * metrics of agents.
   */
  tenants?: number | undefined;
  /**
   * Whether the trace context of a span goes with its requests, so that the spans of a server, from SurrealDB 3.1 on,
   * hang below it. Default: true.
   */
  propagate?: boolean | undefined;
}

/** An object with this method, of whichever copy of the API. */
function providing(method: string, what: string): OptionReader {
  return (given) => {
    try {
      if (typeof Reflect.get(Object(given), method) === 'function') return given;
    } catch {
      // An object that cannot be read is none.
    }
    return new Refusal(what, describe(given));
  };
}

export const instrumentOptions: ClosedOptions<InstrumentOptions> = new ClosedOptions<InstrumentOptions>(
  'The options of instrumentPool()',
  {
    meterProvider: providing('getMeter', 'a MeterProvider of OpenTelemetry'),
    tracerProvider: providing('getTracer', 'a TracerProvider of OpenTelemetry'),
    queryText: oneOf('normalised', 'none'),
    tenants: asTenants,
    propagate: asFlag,
  },
);
