import { spawnSync } from 'node:child_process';
import { describe, expect, test, vi } from 'vitest';
import { ConfigurationError, type ConnectionManager, UsageError } from '../../src/index.js';
import { families } from '../../src/metrics/families.js';
import { metricsHandler, type PrometheusOptions, prometheusText } from '../../src/prometheus/index.js';
import { servers } from '../http/servers.js';
import { type ParsedFamily, parsePrometheus } from '../support/prometheus-format.js';
import { surroundings } from '../support/surroundings.js';
import { toolOnPath } from '../support/tools.js';

const own = surroundings();
const promtool = toolOnPath('promtool');

const pooled = (name: string): Promise<ConnectionManager> =>
  own.pool('mem://', { name, maxConnections: 2, connectionTimeout: '1s' });

/** The values of one family by its labels, the name of the pool left out. */
function valuesOf(text: string, name: string, pool: string): Record<string, number> {
  const samples = parsePrometheus(text).find((family) => family.name === name)?.samples ?? [];
  return Object.fromEntries(
    samples.flatMap(({ labels: { db_client_connection_pool_name: of, ...rest }, value }) =>
      of === pool ? [[Object.values(rest).join(' '), value]] : [],
    ),
  );
}

/** Some of everything that is counted. */
async function use(pool: ConnectionManager): Promise<void> {
  await Promise.all([pool.query('RETURN 1'), pool.query('SELECT * FROM [1]'), pool.query('CREATE thing')]);
  await pool.query('THROW "broken"').then(undefined, () => undefined);
  await pool.withTransaction(async (transaction) => void (await transaction.query('RETURN 2')));
  const held = [await pool.acquire(), await pool.acquire()];
  await expect(pool.acquire({ timeout: 5 })).rejects.toThrow();
  for (const lease of held) await lease.release();
  const session = pool.createSession({ agentId: 'agent "1"\n', namespace: 'test', database: 'test' });
  await session.query('RETURN 3');
}

describe('the text of pools', () => {
  test('has every family once, with its meaning, in the form that Prometheus reads', async () => {
    const pool = await pooled('app');
    await use(pool);
    const shown = parsePrometheus(prometheusText(pool, { tenants: 5 }));
    expect(shown).toHaveLength(families.length);
    for (const { help, name, type } of shown) {
      expect(help).toMatch(/\w.*\.$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
    }
    const empty = shown.filter(({ samples }) => samples.length === 0).map(({ name }) => name);
    // It is not measured with one server.
    expect(empty).toEqual(['surreal_pool_endpoint_latency_seconds']);
  });

  test('has the numbers of the statistics', async () => {
    const pool = await pooled('app');
    await use(pool);
    const stats = pool.poolStats();
    const text = prometheusText(pool);
    const read = (name: string) => valuesOf(text, name, 'app');
    expect(read('surreal_pool_acquires_total')).toMatchObject({ served: stats.served, 'timed-out': 1, aborted: 0 });
    expect(read('db_client_connection_timeouts_total')).toEqual({ '': 1 });
    expect(read('surreal_pool_transactions_total')).toMatchObject({ committed: 1, conflict: 0 });
    expect(read('surreal_pool_connection_opened_total')).toEqual({ '': stats.opened });
    expect(read('db_client_connection_limit')).toEqual({ '': 2 });
    expect(read('db_client_connection_use_time_seconds')).toMatchObject({
      '': expect.any(Number),
      '+Inf': stats.leaseTime.count,
    });
    const operations = parsePrometheus(text).find(({ name }) => name === 'db_client_operation_duration_seconds');
    const counts = operations?.samples.filter(({ name }) => name.endsWith('_count')) ?? [];
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBe(stats.queries);
    expect(counts.map(({ labels }) => labels.db_operation_name)).toContain('SELECT');
    expect(counts.filter(({ labels }) => labels.error_type !== undefined)).not.toHaveLength(0);
  });

  test('is the same for the same state, and in whatever order the pools are given', async () => {
    const pools = [await pooled('b'), await pooled('a'), await pooled('b')];
    for (const pool of pools) await pool.query('RETURN 1');
    const text = (of: ConnectionManager[]): string => prometheusText(of).replaceAll(/ [\d.e+-]+$/gm, '');
    expect(text(pools)).toBe(text(pools.toReversed()));
    expect(text(pools)).toBe(text([...pools, ...pools]));
  });

  test('names agents only when asked, and the others as one', async () => {
    const pool = await pooled('app');
    for (let agent = 0; agent < 4; agent++) {
      const session = pool.createSession({ agentId: `agent-${agent}`, namespace: 'test', database: 'test' });
      await session.query('RETURN 1');
    }
    expect(prometheusText(pool)).not.toMatch(/tenant|agent-/);
    prometheusText(pool, { tenants: 2 });
    for (const { name, samples } of parsePrometheus(prometheusText(pool, { tenants: 2 }))) {
      if (!name.includes('tenant')) continue;
      expect(samples.map(({ labels }) => labels.surreal_pool_tenant)).toHaveLength(3);
      expect(samples.at(-1)?.labels.surreal_pool_tenant).toBe('other');
    }
    const operations = valuesOf(prometheusText(pool, { tenants: 2 }), 'surreal_pool_tenant_operations_total', 'app');
    expect(Object.values(operations).reduce((sum, value) => sum + value)).toBe(4);
  });

  test('tells pools of one name apart', async () => {
    const pools = [await pooled('app'), await pooled('app'), await pooled('app (2)')];
    const limits = parsePrometheus(prometheusText(pools)).find(({ name }) => name === 'db_client_connection_limit');
    expect(limits?.samples.map(({ labels }) => labels.db_client_connection_pool_name)).toEqual([
      'app',
      'app (2)',
      'app (2) (2)',
    ]);
  });

  test('holds whatever names callers give', async () => {
    const names = ['a"b\\c\nd', 'ü☂', 'tab\t\r{}=,', 'half \ud800', '\u0000'];
    const pools = await Promise.all(names.map(pooled));
    for (const [index, pool] of pools.entries()) {
      for (const agentId of [names[index] ?? '', 'half \ud801', 'half \ud802']) {
        pool.createSession({ agentId, namespace: 'test', database: 'test' });
      }
    }
    const sent = Buffer.from(prometheusText(pools, { tenants: 5 })).toString();
    const seen = new Set(
      parsePrometheus(sent).flatMap(({ samples }) =>
        samples.map(({ labels }) => labels.db_client_connection_pool_name),
      ),
    );
    expect([...seen].toSorted()).toEqual(names.map((name) => name.toWellFormed()).toSorted());
  });

  test('keeps a pool that is shut down', async () => {
    const pool = await pooled('app');
    await use(pool);
    const before = valuesOf(prometheusText(pool), 'surreal_pool_acquires_total', 'app');
    await pool.shutdown();
    const text = prometheusText(pool);
    expect(valuesOf(text, 'surreal_pool_state', 'app')).toEqual({ running: 0, paused: 0, draining: 0, closed: 1 });
    expect(valuesOf(text, 'surreal_pool_healthy', 'app')).toEqual({ '': 0 });
    expect(valuesOf(text, 'surreal_pool_acquires_total', 'app')).toMatchObject({ served: before.served });
  });

  test('has no statement, no value and no secret', async () => {
    const front = await own.listen({ auth: true });
    const pool = await own.pool(front.url, { credentials: { username: 'root', password: 'secret' } });
    await pool.query('SELECT * FROM ["hidden"] WHERE $this = $value', { value: 'hidden value' });
    await pool.query('THROW "hidden message"').then(undefined, () => undefined);
    expect(prometheusText(pool, { tenants: 5 })).not.toMatch(/hidden|secret|root/);
  });

  test('refuses what is no pool, and options that it does not have', async () => {
    const pool = await pooled('app');
    const text = (pools: unknown, options?: unknown) => () =>
      prometheusText(pools as ConnectionManager, options as PrometheusOptions);
    expect(text(Promise.resolve(pool))).toThrow(/await createPool/);
    for (const pools of [undefined, null, 'app', {}, [pool, undefined]]) expect(text(pools)).toThrow(UsageError);
    for (const options of [{ tenant: 5 }, { tenants: -1 }, { tenants: 1.5 }, { tenants: '5' }, null]) {
      expect(text(pool, options)).toThrow(ConfigurationError);
    }
    expect(text(pool, { tenant: 5 })).toThrow(/did you mean.*tenants|tenants.*did you mean/);
    expect(() => metricsHandler({} as ConnectionManager)).toThrow(UsageError);
    expect(() => metricsHandler(pool, { tenants: -1 })).toThrow(ConfigurationError);
    expect(prometheusText([])).not.toContain('{');
  });
});

describe.each(Object.entries(servers))('the handler on %s', (_, start) => {
  test('answers a scrape', async () => {
    const pool = await pooled('app');
    const serving = await start(metricsHandler(pool));
    try {
      const response = await fetch(`${serving.url}/any/metrics`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(parsePrometheus(await response.text())).not.toHaveLength(0);
      expect((await fetch(serving.url, { method: 'HEAD' })).headers.get('content-type')).toContain('0.0.4');
      expect((await fetch(serving.url, { method: 'POST', body: '' })).status).toBe(405);
    } finally {
      await serving.close();
    }
  });
});

describe('the handler', () => {
  const scrape = async (handler: ReturnType<typeof metricsHandler>): Promise<ParsedFamily[]> =>
    parsePrometheus(await (await handler.fetch(new Request('http://localhost/metrics'))).text());
  const namesIn = (shown: readonly ParsedFamily[]): (string | undefined)[] =>
    shown
      .find(({ name }) => name === 'db_client_connection_limit')
      ?.samples.map(({ labels }) => labels.db_client_connection_pool_name) ?? [];

  test('shows pools that come later, and lets each keep its name', async () => {
    const pools: ConnectionManager[] = [];
    const handler = metricsHandler(() => pools);
    expect(namesIn(await scrape(handler))).toEqual([]);
    pools.push(await pooled('app'), await pooled('app'));
    expect(namesIn(await scrape(handler))).toEqual(['app', 'app (2)']);
    pools.shift();
    expect(namesIn(await scrape(handler))).toEqual(['app (2)']);
    pools.push(await pooled('app'));
    expect(namesIn(await scrape(handler))).toEqual(['app (2)', 'app']);
  });

  test('answers 500 when the function that gives the pools throws', async () => {
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const handler = metricsHandler(() => {
      throw new Error('hidden');
    });
    const response = await handler.fetch(new Request('http://localhost/metrics'));
    expect([response.status, (await response.text()).includes('hidden')]).toEqual([500, false]);
    expect(emit).toHaveBeenCalledOnce();
    emit.mockRestore();
  });
});

describe.skipIf(promtool === undefined)("Prometheus' own promtool", () => {
  test('finds nothing wrong but one name, which OpenTelemetry gave', async () => {
    const pools = [
      await pooled('app "1"\n'),
      await pooled('app'),
      await own.pool([(await own.listen()).url], { maxConnections: 2 }),
    ];
    for (const pool of pools) await use(pool);
    const text = prometheusText(pools, { tenants: 3 });
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`.trim().split('\n')).toEqual([
      'db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix',
    ]);
    expect(status).toBe(3);
  });
});
