import { tracingChannel } from 'node:diagnostics_channel';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type ReadableSpan, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '@opentelemetry/semantic-conventions';
import { ATTR_DB_CLIENT_CONNECTION_POOL_NAME } from '@opentelemetry/semantic-conventions/incubating';
import { RecordId, surql, Table } from 'surrealdb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ConnectionManager, createPool, type QueryTrace } from '../../src/index.js';
import { type InstrumentOptions, instrumentPool } from '../../src/otel/index.js';
import { type Tracing, tracing } from '../support/otel.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

function instrumented(pool: ConnectionManager, { provider }: Tracing, options: InstrumentOptions = {}): void {
  const instrumentation = instrumentPool(pool, { tracerProvider: provider, ...options });
  onTestFinished(() => instrumentation.disable());
}

const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan[] =>
  spans.filter((span) => span.name === name);

describe('a span of a query', () => {
  test('has the attributes of the conventions, and no value', async () => {
    const sdk = tracing();
    const front = await own.listen();
    const pool = await own.connect(front, { name: 'orders' });
    instrumented(pool, sdk);
    await pool.query('CREATE thing:secret SET word = "secret", n = 7; SELECT * FROM thing WHERE word = $word', {
      word: 'secret',
    });
    await pool.query(surql`RETURN ${'secret'}`);
    await pool.select(new RecordId('thing', 'secret'));
    const [first, second, third] = sdk.spans();
    const shared = {
      [ATTR_DB_SYSTEM_NAME]: 'surrealdb',
      [ATTR_DB_NAMESPACE]: 'test|test',
      [ATTR_SERVER_ADDRESS]: '127.0.0.1',
      [ATTR_SERVER_PORT]: Number(new URL(front.url).port),
      [ATTR_DB_CLIENT_CONNECTION_POOL_NAME]: 'orders',
      'surreal_pool.connection': 1,
    };
    expect(first).toMatchObject({ name: 'CREATE thing SELECT thing', kind: SpanKind.CLIENT });
    expect(first?.attributes).toEqual({
      ...shared,
      [ATTR_DB_OPERATION_NAME]: 'CREATE',
      [ATTR_DB_QUERY_SUMMARY]: 'CREATE thing SELECT thing',
      [ATTR_DB_QUERY_TEXT]: 'CREATE thing:? SET word = ?, n = ?; SELECT * FROM thing WHERE word = $word',
    });
    expect(first?.status.code).toBe(SpanStatusCode.UNSET);
    expect(second).toMatchObject({ name: 'RETURN', attributes: { [ATTR_DB_QUERY_TEXT]: 'RETURN $bind__' } });
    expect(third?.name).toBe('SELECT');
    expect(JSON.stringify(sdk.spans().map(({ attributes, name, status }) => [attributes, name, status]))).not.toContain(
      'secret',
    );
  });

  test('has no text when none is wanted', async () => {
    const sdk = tracing();
    const pool = await own.pool('mem://');
    await pool.query('DEFINE TABLE thing');
    instrumented(pool, sdk, { queryText: 'none' });
    await pool.query('SELECT * FROM thing');
    const [span] = sdk.spans();
    expect(span?.name).toBe('SELECT thing');
    expect(span?.attributes).not.toHaveProperty([ATTR_DB_QUERY_TEXT]);
    expect(span?.attributes, 'there is no server').not.toHaveProperty([ATTR_SERVER_ADDRESS]);
  });

  test('is failed when a statement failed, also for a caller who reads each answer; the message of the error is not told', async () => {
    const sdk = tracing();
    const pool = await own.pool('mem://');
    instrumented(pool, sdk);
    expect(await pool.query('RETURN 1; THROW "secret"').responses()).toMatchObject([
      { success: true },
      { success: false },
    ]);
    await expect(pool.query('SELEC secret')).rejects.toThrow(/Parse error/);
    const [thrown, unread] = sdk.spans();
    expect(thrown).toMatchObject({
      name: 'RETURN',
      status: { code: SpanStatusCode.ERROR },
      attributes: { [ATTR_ERROR_TYPE]: 'ThrownError', [ATTR_DB_RESPONSE_STATUS_CODE]: 'Thrown' },
    });
    expect(unread).toMatchObject({
      name: 'surrealdb',
      status: { code: SpanStatusCode.ERROR },
      attributes: { [ATTR_ERROR_TYPE]: 'ValidationError', [ATTR_DB_RESPONSE_STATUS_CODE]: 'Validation' },
    });
    for (const span of [thrown, unread]) {
      expect(span?.events).toEqual([]);
      expect(span?.status.message).toBeUndefined();
    }
  });

  test('is one for each attempt', async () => {
    const sdk = tracing();
    const front = await own.listen();
    const pool = await own.connect(front);
    instrumented(pool, sdk);
    let lost = 0;
    // The first connection is lost under a call that only reads, so the pool repeats it.
    front.onRequest = ({ method }) => (method === 'query' && lost++ === 0 ? 'drop' : 'pass');
    expect(await pool.query('RETURN 1')).toEqual([1]);
    const attempts = named(sdk.spans(), 'RETURN');
    expect(attempts.map(({ attributes }) => attributes[ATTR_ERROR_TYPE])).toEqual(['ConnectionLostError', undefined]);
    expect(attempts[0]?.attributes, 'the server did not answer').not.toHaveProperty([ATTR_DB_RESPONSE_STATUS_CODE]);
  });

  test('hangs below what is active where its caller asked: at once, after a wait, in a message of several, in a transaction', async () => {
    const sdk = tracing();
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    instrumented(pool, sdk);
    const texts = ['RETURN 1', 'RETURN 2', 'RETURN 3'];
    for (const text of texts) await pool.query(text);
    sdk.exporter.reset();
    const lease = await pool.acquire();
    // They wait for the connection, and then go in one message.
    const waiting = texts.map((text) => sdk.below(text, async () => void (await pool.query(text))));
    await new Promise((turn) => setTimeout(turn, 20));
    const { sent } = pool.poolStats().messages;
    lease.release();
    const parents = await Promise.all(waiting);
    expect(pool.poolStats().messages.sent - sent).toBe(1);
    const spans = named(sdk.spans(), 'RETURN');
    expect(spans.map(({ parentSpanContext }) => parentSpanContext?.spanId).sort()).toEqual(
      parents.map(({ spanId }) => spanId).sort(),
    );
    const acquires = named(sdk.spans(), 'surreal-pool.acquire');
    expect(acquires.map(({ parentSpanContext }) => parentSpanContext?.spanId).sort()).toEqual(
      parents.map(({ spanId }) => spanId).sort(),
    );

    sdk.exporter.reset();
    const parent = await sdk.below('transaction', () =>
      pool.withTransaction(async (transaction) => {
        await transaction.select(new Table('thing'));
        const savepoint = await transaction.savepoint();
        await transaction.create(new RecordId('thing', 1));
        await savepoint.rollback();
      }),
    );
    const inTransaction = sdk.spans();
    expect(inTransaction.map(({ name, kind }) => [name, kind])).toEqual([
      ['BEGIN', SpanKind.CLIENT],
      ['SELECT', SpanKind.CLIENT],
      ['surreal-pool.savepoint', SpanKind.INTERNAL],
      ['CREATE', SpanKind.CLIENT],
      ['surreal-pool.rollback_to_savepoint', SpanKind.INTERNAL],
      ['COMMIT', SpanKind.CLIENT],
    ]);
    for (const { name, parentSpanContext, attributes } of inTransaction) {
      expect(parentSpanContext, name).toMatchObject(parent);
      expect(attributes).toMatchObject({ 'surreal_pool.transaction': expect.any(Number) as number });
    }
    expect(inTransaction.at(-1)?.attributes).toMatchObject({
      [ATTR_DB_OPERATION_NAME]: 'COMMIT',
      'surreal_pool.attempt': 1,
      [ATTR_SERVER_ADDRESS]: '127.0.0.1',
    });
  });

  test('is sent to the server with its query, when it is recorded and that is wanted', async () => {
    const contexts: unknown[] = [];
    const look = (message: unknown): void => void contexts.push((message as QueryTrace).traceContext);
    const ends = tracingChannel('surreal-pool:query').asyncEnd;
    ends.subscribe(look);
    onTestFinished(() => void ends.unsubscribe(look));
    const sdk = tracing();
    const unsampled = tracing({
      shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }),
      toString: () => 'none',
    });
    const pool = await own.pool('mem://');
    for (const [provider, propagate] of [
      [sdk.provider, true],
      [sdk.provider, false],
      [unsampled.provider, true],
    ] as const) {
      const instrumentation = instrumentPool(pool, { tracerProvider: provider, propagate });
      await pool.query('RETURN 1');
      instrumentation.disable();
    }
    const [span] = sdk.spans();
    const { traceId = '', spanId = '' } = span?.spanContext() ?? {};
    expect(contexts).toEqual([{ traceparent: `00-${traceId}-${spanId}-01` }, undefined, undefined]);
    expect(unsampled.spans()).toEqual([]);
  });
});

describe('a span of an acquire', () => {
  test('is there only for a caller that waited, and says how it ended', async () => {
    const sdk = tracing();
    const pool = await own.pool('mem://', { maxConnections: 1 });
    instrumented(pool, sdk);
    const lease = await pool.acquire();
    await expect(pool.acquire({ timeout: 30 })).rejects.toThrow();
    const second = pool.acquire();
    await new Promise((turn) => setTimeout(turn, 20));
    lease.release();
    (await second).release();
    const spans = sdk.spans();
    expect(spans).toMatchObject([
      {
        name: 'surreal-pool.acquire',
        kind: SpanKind.INTERNAL,
        status: { code: SpanStatusCode.ERROR },
        attributes: { 'surreal_pool.outcome': 'timed-out', [ATTR_ERROR_TYPE]: 'AcquireTimeoutError' },
      },
      {
        name: 'surreal-pool.acquire',
        status: { code: SpanStatusCode.UNSET },
        attributes: { 'surreal_pool.outcome': 'served', 'surreal_pool.connection': 1 },
      },
    ]);
    for (const { duration, startTime, endTime } of spans) {
      expect(duration[0] * 1e9 + duration[1]).toBeGreaterThan(0);
      expect(startTime < endTime).toBe(true);
    }
  });

  test('is not there for one that was refused at once', async () => {
    const sdk = tracing();
    const pool = await own.pool('mem://', { maxConnections: 1, maxWaiters: 1 });
    instrumented(pool, sdk);
    const lease = await pool.acquire();
    const first = pool.acquire({ timeout: 5 }).catch((error: Error) => error.name);
    await expect(pool.acquire()).rejects.toMatchObject({ name: 'QueueFullError' });
    expect(await first).toBe('AcquireTimeoutError');
    lease.release();
    expect(sdk.spans().map(({ attributes }) => attributes['surreal_pool.outcome'])).toEqual(['timed-out']);
  });
});

test('a connection that is opened is a span of its own, of the server it is on: the waiting caller has another', async () => {
  const sdk = tracing();
  const fronts = [await own.listen(), await own.listen()];
  const pool = await own.pool(
    fronts.map(({ url }) => url),
    { maxConnections: 4, balancing: { storeCheck: 'off', slowStart: 0 } },
  );
  instrumented(pool, sdk);
  const parent = await sdk.below('request', async () => {
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    for (const lease of leases) {
      await lease.query('RETURN 1');
      lease.release();
    }
  });
  const ports = fronts.map(({ url }) => Number(new URL(url).port)).sort();
  const portsOf = (name: string): unknown[] => [
    ...new Set(named(sdk.spans(), name).map(({ attributes }) => attributes[ATTR_SERVER_PORT])),
  ];
  expect(portsOf('surreal-pool.connect').sort()).toEqual(ports);
  expect(portsOf('RETURN').sort()).toEqual(ports);
  for (const { kind, parentSpanContext } of named(sdk.spans(), 'surreal-pool.connect')) {
    expect(kind).toBe(SpanKind.CLIENT);
    expect(parentSpanContext, 'it is for whoever comes first').toBeUndefined();
  }
  for (const { attributes, parentSpanContext } of named(sdk.spans(), 'surreal-pool.acquire')) {
    expect(attributes[ATTR_SERVER_PORT], 'any server will do').toBeUndefined();
    expect(parentSpanContext).toMatchObject(parent);
  }
});

test('a step that failed is a failed span: a commit that was lost, beside the search for its outcome', async () => {
  const sdk = tracing();
  const front = await own.listen();
  const pool = await own.connect(front);
  instrumented(pool, sdk);
  front.onRequest = ({ method }) => (method === 'commit' ? 'kill' : 'pass');
  await expect(
    pool.withTransaction((transaction) => transaction.query('CREATE thing:1'), { verifyCommit: true }),
  ).rejects.toMatchObject({ name: 'TransactionLostError' });
  const failed = sdk.spans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
  expect(failed.map(({ name, attributes }) => [name, attributes[ATTR_ERROR_TYPE]])).toContainEqual([
    'COMMIT',
    'TransactionLostError',
  ]);
  expect(sdk.spans().map(({ name }) => name)).toContain('surreal-pool.fence');
});

test('a transaction that is begun anew after a conflict has a span for the pause, and for each attempt', async () => {
  const sdk = tracing();
  const pool = await own.pool('mem://');
  await pool.query('DEFINE TABLE thing');
  instrumented(pool, sdk);
  let attempts = 0;
  const conflict = { code: -32000, kind: 'Query', message: 'This transaction can be retried' };
  await sdk.below('work', () =>
    pool.withTransaction(async (transaction) => {
      attempts++;
      await transaction.query('CREATE thing');
      if (attempts === 1) await pool.query('CREATE thing:other');
      if (attempts === 1) throw Object.assign(new Error(conflict.message), conflict);
    }),
  );
  const names = sdk.spans().map(({ name }) => name);
  expect(names.filter((name) => name === 'BEGIN')).toHaveLength(2);
  expect(names).toEqual(expect.arrayContaining(['CANCEL', 'surreal-pool.retry', 'COMMIT']));
  const [, second] = named(sdk.spans(), 'BEGIN');
  expect(second?.attributes['surreal_pool.attempt']).toBe(2);
});

test('a global provider may be registered after the pool is instrumented; before that nothing is made', async () => {
  const sdk = tracing();
  const pool = await own.pool('mem://');
  const instrumentation = instrumentPool(pool);
  onTestFinished(() => instrumentation.disable());
  await pool.query('RETURN 1');
  trace.setGlobalTracerProvider(sdk.provider);
  await pool.query('RETURN 2');
  expect(sdk.spans()).toHaveLength(1);
});

test('an SDK that throws fails no call', async () => {
  const pool = await own.pool('mem://');
  const provider = {
    getTracer: () => ({
      startSpan(): never {
        throw new Error('a sampler of the application');
      },
    }),
  } as unknown as InstrumentOptions['tracerProvider'];
  const instrumentation = instrumentPool(pool, { tracerProvider: provider });
  expect(await pool.query('RETURN 1')).toEqual([1]);
  instrumentation.disable();
});

test('after disable() a span that is open still ends, and then nothing listens any more', async () => {
  const sdk = tracing();
  const pool = await own.pool('mem://');
  const instrumentation = instrumentPool(pool, { tracerProvider: sdk.provider });
  const channels = ['query', 'acquire', 'connect', 'transaction'].map((name) => tracingChannel(`surreal-pool:${name}`));
  const listened = (): boolean[] => channels.map(({ hasSubscribers }) => hasSubscribers);
  expect(listened()).toEqual([true, true, true, true]);
  const query = pool.query('SLEEP 50ms').collect();
  await new Promise((turn) => setTimeout(turn, 20));
  instrumentation.disable();
  instrumentation.disable();
  await query;
  await pool.query('RETURN 1');
  expect(sdk.spans().map(({ name }) => name)).toEqual(['SLEEP']);
  expect(listened()).toEqual([false, false, false, false]);
});

test('the end of the shutdown of a pool ends its instrumentation', async () => {
  const sdk = tracing();
  const pool = await createPool('mem://', { namespace: 'test', database: 'test' });
  instrumentPool(pool, { tracerProvider: sdk.provider });
  await pool.shutdown();
  await new Promise((turn) => setImmediate(turn));
  expect(tracingChannel('surreal-pool:query').hasSubscribers).toBe(false);
});
