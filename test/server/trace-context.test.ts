import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { RecordId } from 'surrealdb';
import { expect, onTestFinished, test } from 'vitest';
import { type ConnectionManager, createPool, type QueryTrace, type TransactionTrace } from '../../src/index.js';
import { instrumentPool } from '../../src/otel/index.js';
import { tracing } from '../support/otel.js';
import { OtlpReceiver } from '../support/otlp-receiver.js';
import { ServerProcess } from '../support/server-process.js';

/** What a subscriber gave a query or a step, by its text or the name of the step. */
interface Given {
  readonly traceId: string;
  readonly spanId: string;
}

/** Gives each query and each step of a transaction a trace of its own. */
function giveContexts(tracestate?: string): Map<string, Given> {
  const given = new Map<string, Given>();
  const onStart = (message: unknown): void => {
    const trace = message as QueryTrace | TransactionTrace;
    const ids = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
    if ('text' in trace && trace.text === 'RETURN 0') return;
    given.set('text' in trace ? trace.text : trace.step, ids);
    const traceparent = `00-${ids.traceId}-${ids.spanId}-01`;
    trace.traceContext = tracestate === undefined ? { traceparent } : { traceparent, tracestate };
  };
  for (const name of ['query', 'transaction']) {
    subscribe(`tracing:surreal-pool:${name}:start`, onStart);
    onTestFinished(() => void unsubscribe(`tracing:surreal-pool:${name}:start`, onStart));
  }
  return given;
}

async function scene(): Promise<{ pool: ConnectionManager; receiver: OtlpReceiver }> {
  const receiver = await OtlpReceiver.start();
  onTestFinished(() => receiver.stop());
  const server = await ServerProcess.start({ storage: 'memory', environment: receiver.environment });
  onTestFinished(() => server.kill());
  const credentials = { username: server.username, password: server.password };
  const pool = await createPool(server.url, { namespace: 'test', database: 'test', credentials, maxConnections: 1 });
  onTestFinished(async () => void (await pool.shutdown({ gracePeriod: 0 })));
  return { pool, receiver };
}

/** SurrealDB exports the spans of a message from 3.1 on. */
async function readsContexts(pool: ConnectionManager): Promise<boolean> {
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec((await pool.version()).version) ?? [];
  return Number(major) > 3 || Number(minor) >= 1;
}

test('the spans of a server hang below those of its client: calls alone, calls in one message, steps of a transaction', async () => {
  const { pool, receiver } = await scene();
  const given = giveContexts('vendor=it');
  const alone = 'SELECT 1 FROM ONLY {}';
  await pool.query(alone);
  const together = ['RETURN 1', 'RETURN 2', 'RETURN $three'];
  // Only texts that were answered before share a message.
  for (const text of ['RETURN 0', ...together]) await pool.query(text, { three: 3 });
  const before = pool.poolStats().messages.sent;
  expect(await Promise.all(['RETURN 0', ...together].map((text) => pool.query(text, { three: 3 })))).toEqual([
    [0],
    [1],
    [2],
    [3],
  ]);
  expect(pool.poolStats().messages.sent - before, 'the four are one message').toBe(1);
  const lease = await pool.acquire();
  await lease.withTransaction(async (transaction) => {
    await transaction.create(new RecordId('row', 1)).content({ a: 1 });
    const savepoint = await transaction.savepoint();
    await transaction.query('UPDATE row:1 SET a = 2');
    await savepoint.rollback();
  });
  const transaction = await lease.beginTransaction();
  await transaction.rollback();
  expect(await lease.query('SELECT VALUE a FROM row')).toEqual([[1]]);
  lease.release();

  if (!(await readsContexts(pool))) return;
  const rpc = /^surrealdb\.rpc\//;
  for (const [asked, method] of [
    [alone, 'query'],
    [together[0], 'query'],
    ['UPDATE row:1 SET a = 2', 'query'],
    ['begin', 'begin'],
    ['commit', 'commit'],
    ['rollbackToSavepoint', 'query'],
    ['rollback', 'cancel'],
  ] as const) {
    const { traceId, spanId } = given.get(asked ?? '') ?? expect.unreachable(`${asked} was not traced`);
    const wanted = `surrealdb.rpc/${method}`;
    const spans = await receiver.spansOf(traceId, ({ name }) => name === wanted);
    const own = spans.filter(({ name }) => rpc.test(name));
    expect(
      own.map(({ parentSpanId }) => parentSpanId),
      asked,
    ).toEqual(own.map(() => spanId));
    expect(own[0]?.traceState).toBe('vendor=it');
  }
  const others = together.slice(1).map((text) => given.get(text)?.traceId);
  expect(
    receiver.spans.filter(({ traceId }) => others.includes(traceId)),
    'one message names one span',
  ).toEqual([]);
});

test('with OpenTelemetry the span of a server is a child of the span of its query, below that of the caller', async () => {
  const { pool, receiver } = await scene();
  const sdk = tracing();
  const instrumentation = instrumentPool(pool, { tracerProvider: sdk.provider });
  onTestFinished(() => instrumentation.disable());
  const { traceId } = await sdk.below('request', async () => {
    await pool.query('CREATE person');
    await pool.withTransaction((transaction) => transaction.query('UPDATE person SET a = 1'));
  });
  expect(sdk.spans().map(({ name }) => name)).toEqual(['CREATE person', 'BEGIN', 'UPDATE person', 'COMMIT']);
  if (!(await readsContexts(pool))) return;
  const exported = await receiver.spansOf(traceId, ({ name }) => name === 'surrealdb.rpc/commit');
  const idsOf = (...names: readonly string[]): Set<string> =>
    new Set(
      sdk
        .spans()
        .filter(({ name }) => names.includes(name))
        .map((span) => span.spanContext().spanId),
    );
  const parents = (method: string): Set<string> =>
    new Set(exported.filter(({ name }) => name === `surrealdb.rpc/${method}`).map((span) => span.parentSpanId));
  // The pool asks in the steps of a transaction too.
  for (const id of idsOf('CREATE person', 'UPDATE person')) expect(parents('query')).toContain(id);
  expect(parents('begin')).toEqual(idsOf('BEGIN'));
  expect(parents('commit')).toEqual(idsOf('COMMIT'));
});

test('nothing is named without a subscriber, and a malformed context is not sent', async () => {
  const { pool, receiver } = await scene();
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const spoil = (trace: unknown): void => {
    Object.assign(Object(trace), { traceContext: { traceparent: 7, tracestate: 'é' } });
  };
  subscribe('tracing:surreal-pool:query:start', spoil);
  expect(await pool.query('RETURN 1')).toEqual([1]);
  unsubscribe('tracing:surreal-pool:query:start', spoil);
  expect(await pool.query('RETURN 2')).toEqual([2]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings.filter((message) => message.includes('traceparent'))).toHaveLength(1);
  if (!(await readsContexts(pool))) return;
  while (receiver.spans.filter(({ name }) => name === 'surrealdb.rpc/query').length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const queries = receiver.spans.filter(({ name }) => name === 'surrealdb.rpc/query');
  expect(queries.map(({ parentSpanId }) => parentSpanId)).toEqual(queries.map(() => ''));
});
