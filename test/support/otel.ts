import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';

/** The SDK of an application, whose spans stay here. */
export interface Tracing {
  readonly provider: BasicTracerProvider;
  readonly exporter: InMemorySpanExporter;
  /** The spans that have ended, without those that the test itself made. */
  spans(): ReadableSpan[];
  /** Runs work below a span of its own, and returns the id of that. */
  below(name: string, work: () => Promise<unknown>): Promise<{ spanId: string; traceId: string }>;
}

const own = 'test';

/** A real SDK of spans for this test, with the context manager that an application has. */
export function tracing(sampler?: Sampler): Tracing {
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  onTestFinished(async () => {
    context.disable();
    manager.disable();
    trace.disable();
    await provider.shutdown();
  });
  return {
    provider,
    exporter,
    spans: () => exporter.getFinishedSpans().filter(({ instrumentationScope: { name } }) => name !== own),
    async below(name, work) {
      const span = provider.getTracer(own).startSpan(name);
      await context.with(trace.setSpan(context.active(), span), work);
      span.end();
      return span.spanContext();
    },
  };
}

/** One series: its attributes, without the name of the pool, as a text, and its value. */
export type Series = ReadonlyMap<string, number | Histogram>;

export interface Metering {
  readonly provider: MeterProvider;
  /** What an exporter would be sent now: by the name of a metric, for a pool. */
  collect(): Promise<Collected>;
}

export class Collected {
  /** By metric, then by pool, then by the other attributes. */
  readonly #metrics: ReadonlyMap<string, ReadonlyMap<string, Series>>;

  constructor(metricsOf: ReadonlyMap<string, ReadonlyMap<string, Series>>) {
    this.#metrics = metricsOf;
  }

  get names(): string[] {
    return [...this.#metrics.keys()];
  }

  of(metric: string, pool: string): Series {
    return this.#metrics.get(metric)?.get(pool) ?? new Map();
  }

  /** The value of a metric without attributes of its own. */
  value(metric: string, pool: string, attributes: Record<string, string> = {}): number | undefined {
    const value = this.of(metric, pool).get(keyOf(attributes));
    return typeof value === 'number' ? value : undefined;
  }

  histogram(metric: string, pool: string, attributes: Record<string, string> = {}): Histogram | undefined {
    const value = this.of(metric, pool).get(keyOf(attributes));
    return typeof value === 'object' ? value : undefined;
  }

  /** The names of the pools that have it. */
  pools(metric: string): string[] {
    return [...(this.#metrics.get(metric)?.keys() ?? [])];
  }
}

/** Attributes as a text, whatever their order. */
export function keyOf(attributes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const poolName = 'db.client.connection.pool.name';

/** A real SDK of metrics for this test. */
export function metering(temporality = AggregationTemporality.CUMULATIVE): Metering {
  const exporter = new InMemoryMetricExporter(temporality);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(async () => {
    metrics.disable();
    await provider.shutdown();
  });
  return {
    provider,
    async collect() {
      exporter.reset();
      await provider.forceFlush();
      const found = new Map<string, Map<string, Map<string, number | Histogram>>>();
      for (const { scopeMetrics } of exporter.getMetrics()) {
        for (const { descriptor, dataPoints } of scopeMetrics.flatMap((one) => one.metrics)) {
          const byPool = found.get(descriptor.name) ?? new Map<string, Map<string, number | Histogram>>();
          found.set(descriptor.name, byPool);
          for (const { attributes, value } of dataPoints as DataPoint<number | Histogram>[]) {
            const { [poolName]: pool, ...rest } = attributes;
            const series = byPool.get(String(pool)) ?? new Map<string, number | Histogram>();
            byPool.set(String(pool), series);
            series.set(keyOf(rest), value);
          }
        }
      }
      return new Collected(found);
    },
  };
}
