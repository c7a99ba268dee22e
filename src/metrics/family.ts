import type { BucketedDurations } from '../pool/duration-buckets.js';
import type { PoolReading } from './reading.js';

/** Attributes of a sample, without those that all samples of a pool have. */
export type Attributes = Readonly<Record<string, string>>;

export interface Sample {
  readonly attributes: Attributes;
  readonly value: number;
}

export interface HistogramSample {
  readonly attributes: Attributes;
  readonly durations: BucketedDurations;
}

interface Described {
  /** The name in OpenTelemetry. */
  readonly name: string;
  /** The unit as OpenTelemetry writes it: `s`, a noun in braces, or nothing. */
  readonly unit: string;
  /** What it tells, in a sentence. */
  readonly help: string;
  /** The names of its own attributes. */
  readonly attributes: readonly string[];
  /** Present only while the exporter shows tenants. */
  readonly ofTenants: boolean;
}

/** A metric that is a number for each set of attributes. */
export interface NumberFamily extends Described {
  /**
   * `counter` never falls while the pool lives; `upDownCounter` is a count that may be summed over pools; `gauge` is neither.
   */
  readonly kind: 'gauge' | 'upDownCounter' | 'counter';
  read(reading: PoolReading): readonly Sample[];
}

/** A metric of durations. */
export interface HistogramFamily extends Described {
  readonly kind: 'histogram';
  read(reading: PoolReading): readonly HistogramSample[];
}

export type Family = NumberFamily | HistogramFamily;

/**
 * The name in Prometheus, as OpenTelemetry maps names: dots become underscores, the unit `s` adds `_seconds`, a counter adds
 * `_total`, and a unit in braces adds nothing.
 * Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility".
 */
export function prometheusName({ name, unit, kind }: Pick<Family, 'name' | 'unit' | 'kind'>): string {
  const words = name.replaceAll('.', '_');
  const withUnit = unit === 's' ? `${words}_seconds` : words;
  return kind === 'counter' ? `${withUnit}_total` : withUnit;
}

/** The name of an attribute as a label of Prometheus. */
export function labelName(attribute: string): string {
  return attribute.replaceAll('.', '_');
}
