import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { createPool } from '../../dist/index.js';
import { instrumentPool } from '../../dist/otel.js';
import { compare, computing, waiting } from '../harness/paired.mjs';
import { startServer } from '../support/server.mjs';
import { byCallers } from './query.mjs';

export const question = 'what do metrics and spans of OpenTelemetry cost a query, and what a collection?';

/** Collects only when it is asked to. */
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** A processor that keeps nothing: what an exporter does is not the pool's. */
const nowhere = { onStart() {}, onEnd() {}, async forceFlush() {}, async shutdown() {} };

const noTraces = /** @type {import('@opentelemetry/api').TracerProvider} */ (
  /** @type {unknown} */ ({ getTracer: () => undefined })
);

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const server = await startServer();
  const place = { namespace: 'bench', database: 'bench', minConnections: 1, maxConnections: 1 };
  const meterProvider = new MeterProvider({ readers: [new Reader()] });
  const tracerProvider = new BasicTracerProvider({ sampler: new AlwaysOnSampler(), spanProcessors: [nowhere] });
  const unsampled = new BasicTracerProvider({ sampler: new AlwaysOffSampler(), spanProcessors: [nowhere] });
  /** @type {[string, import('../../dist/otel.js').InstrumentOptions | undefined][]} */
  const variants = [
    ['not instrumented', undefined],
    ['metrics', { meterProvider, tracerProvider: noTraces }],
    ['spans', { tracerProvider }],
    ['spans, not sampled', { tracerProvider: unsampled }],
    ['both', { meterProvider, tracerProvider }],
  ];
  for (const [what, url] of /** @type {const} */ ([
    ['embedded', 'mem://'],
    [server.what, server.url],
  ])) {
    /** @type {[string, import('../../dist/index.js').ConnectionManager][]} */
    const pools = [];
    for (const [name] of variants) {
      const pool = await createPool(url, { ...place, name });
      pools.push([name, pool]);
    }
    /**
     * Only one pool is instrumented at a time: while one has spans, the channels of all have a subscriber.
     *
     * @param {number} index
     * @param {(pool: import('../../dist/index.js').ConnectionManager) => import('../harness/paired.mjs').Contender} make
     */
    const instrumented = (index, make) => {
      const [, pool] = pools[index] ?? [];
      const [, options] = variants[index] ?? [];
      if (pool === undefined) throw new Error(`there is no pool ${index}`);
      const { name, sample } = make(pool);
      return {
        name,
        sample: async () => {
          const instrumentation = options && instrumentPool(pool, options);
          const measured = await sample();
          instrumentation?.disable();
          return measured;
        },
      };
    };
    for (const callers of [1, 64]) {
      for (const [unit, measured] of /** @type {const} */ ([
        ['by the clock', waiting],
        ['processor time of this process', computing],
      ])) {
        yield await compare(
          `RETURN 1, ${callers} ${callers === 1 ? 'caller' : 'callers'}, ${what}: ${unit}`,
          variants.map(([name], index) =>
            instrumented(index, (pool) =>
              measured(name, (times) => byCallers(callers, times, () => pool.query('RETURN 1'))),
            ),
          ),
          { rounds, unit: 'µs' },
        );
      }
    }
    for (const [, pool] of pools) await pool.shutdown({ gracePeriod: 0 });
  }
  yield* collections(rounds);
  server.stop();
}

/** @param {number} rounds */
async function* collections(rounds) {
  /** @type {import('../harness/paired.mjs').Contender[]} */
  const contenders = [];
  /** @type {import('../../dist/index.js').ConnectionManager[]} */
  const made = [];
  for (const [count, tenants] of /** @type {const} */ ([
    [1, 0],
    [10, 0],
    [10, 20],
  ])) {
    const reader = new Reader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    for (let number = 0; number < count; number++) {
      const pool = await createPool('mem://', { namespace: 'bench', database: 'bench', name: `pool ${made.length}` });
      made.push(pool);
      for (let agent = 0; agent < tenants; agent++) {
        await pool.createSession({ agentId: `agent ${agent}` }).query('RETURN 1');
      }
      instrumentPool(pool, { meterProvider, tenants, tracerProvider: noTraces });
    }
    const pools = `${count} ${count === 1 ? 'pool' : 'pools'}`;
    contenders.push(
      computing(tenants === 0 ? pools : `${pools} with ${tenants} agents each`, async (times) => {
        for (let time = 0; time < times; time++) await reader.collect();
      }),
    );
  }
  yield await compare('one collection of all metrics', contenders, { rounds, unit: 'µs' });
  for (const pool of made) await pool.shutdown({ gracePeriod: 0 });
}
