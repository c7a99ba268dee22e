import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import {
  type HealthCheck,
  type HealthChecks,
  type HealthOptions,
  type HealthReport,
  healthHandler,
} from '../../src/health/index.js';
import { ConfigurationError, type ConnectionManager, UsageError } from '../../src/index.js';
import { servers } from '../http/servers.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

/** What a probe gets: the status, and the body, which has to be what `status()` says. */
async function ask(health: HealthChecks, path: string): Promise<[status: number, body: HealthReport, Response]> {
  const response = await health.fetch(new Request(`http://localhost/any/${path}`));
  return [response.status, (await response.json()) as HealthReport, response];
}

const statusOf = async (health: HealthChecks, check = 'readyz'): Promise<number> => (await ask(health, check))[0];

const everyCheck: readonly HealthCheck[] = ['live', 'ready', 'started'];

/** The statuses of the checks: live, ready, started. */
const statuses = (health: HealthChecks): Promise<number[]> =>
  Promise.all(everyCheck.map((check) => statusOf(health, check)));

describe('a pool that serves', () => {
  test('is live, ready and started, under every name of the checks', async () => {
    const pool = await own.pool('mem://', { name: 'app' });
    const health = healthHandler(pool);
    const names = {
      live: ['livez', 'healthz', 'live'],
      ready: ['readyz', 'ready', 'readyz/'],
      started: ['startupz', 'started'],
    };
    for (const check of everyCheck) {
      for (const name of names[check]) {
        const [status, body, { headers }] = await ask(health, name);
        expect([status, body.check, body.status]).toEqual([200, check, 'ok']);
        expect(body).toEqual(JSON.parse(JSON.stringify(health.status(check))));
        expect(headers.get('cache-control')).toBe('no-store');
        expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      }
    }
    expect(health.status('ready')).toEqual({
      ...{ status: 'ok', check: 'ready', pool: 'app' },
      sentence: 'Healthy: 0 of 20 connections in use, nobody waits.',
    });
    const unknown = await health.fetch(new Request('http://localhost/healthy'));
    expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('livez')]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'a path that ends in "%s" is none of its checks',
    async (segment) => {
      const health = healthHandler(await own.pool('mem://'));
      expect((await health.fetch(new Request(`http://localhost/${segment}`))).status).toBe(404);
    },
  );

  test('stays ready when it is busy and its queue is full, and is asked for nothing', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, maxWaiters: 1 });
    const health = healthHandler(pool, { outageTolerance: 0 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    await expect(pool.acquire()).rejects.toMatchObject({ name: 'QueueFullError' });
    const before = { started: pool.poolStats().started, requests: new Map(front.requests) };
    for (let probe = 0; probe < 20; probe++) expect(await statuses(health)).toEqual([200, 200, 200]);
    expect({ started: pool.poolStats().started, requests: new Map(front.requests) }).toEqual(before);
    expect(health.status('ready').sentence).toMatch(/1 caller waits/);
    await held.release();
    await (await waiting).release();
  });
});

describe('without a usable server', () => {
  test('it stays ready for as long as is tolerated, and is ready again when one is back', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 2 });
    const [patient, short, none] = (['1h', '300ms', 0] as const).map((outageTolerance) =>
      healthHandler(pool, { outageTolerance }),
    ) as [HealthChecks, HealthChecks, HealthChecks];
    await front.close();
    await vi.waitFor(async () => expect(await statusOf(none)).toBe(503), 20_000);
    await vi.waitFor(async () => expect(await statusOf(short)).toBe(503), 20_000);
    expect(await statuses(patient)).toEqual([200, 200, 200]);
    expect(await statuses(short)).toEqual([200, 503, 200]);
    const isOut = /^No server has been usable for .+, which is more than 300 ms\. server #1 is out \(breaker/;
    // The breaker opens after some attempts, which may take longer than what is tolerated.
    await vi.waitFor(async () => expect((await ask(short, 'readyz'))[1].sentence).toMatch(isOut), 20_000);
    const [, body, { headers }] = await ask(short, 'readyz');
    expect(Date.parse(body.since ?? '')).toBeLessThanOrEqual(Date.now());
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(patient.status('ready').sentence).toMatch(/it stays ready until that is 60 min\. /);

    await own.listen({ port: front.port });
    for (const health of [none, short, patient]) {
      await vi.waitFor(async () => expect(await statusOf(health)).toBe(200), 20_000);
    }
    await pool.query('RETURN 1');
    expect(health(none)).toEqual({ status: 'ok', since: undefined });
  });

  const health = (handler: HealthChecks) => {
    const { status, since } = handler.status('ready');
    return { status, since };
  };

  test('a pool that opens connections only for callers gets a caller now and then, or it would never find one', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 0, connectionTimeout: '1s' });
    const ready = healthHandler(pool, { outageTolerance: 0 });
    await pool.query('RETURN 1');
    await front.close();
    await vi.waitFor(() => expect(pool.healthStatus().healthy).toBe(false), 20_000);
    let refused = 0;
    let served = false;
    /** As a load balancer does: work comes only while the check passes. */
    const balance = async (): Promise<void> => {
      if ((await statusOf(ready)) !== 200) refused++;
      else
        await pool.query('RETURN 1').then(
          () => (served = true),
          () => undefined,
        );
    };
    await vi.waitFor(async () => {
      await balance();
      expect(refused).toBeGreaterThan(0);
    }, 20_000);
    await own.listen({ port: front.port });
    await vi.waitFor(async () => {
      await balance();
      expect(served).toBe(true);
    }, 20_000);
    expect(await statusOf(ready)).toBe(200);
  });

  test('at one of several, it is ready', async () => {
    const fronts = [await own.listen(), await own.listen()];
    const pool = await own.pool(
      fronts.map(({ url }) => url),
      { minConnections: 2 },
    );
    const ready = healthHandler(pool, { outageTolerance: 0 });
    await pool.query('RETURN 1');
    await fronts[0]?.close();
    await vi.waitFor(() => expect(pool.endpoints().some(({ state }) => state !== 'well')).toBe(true), 20_000);
    for (let probe = 0; probe < 10; probe++) {
      expect(await statusOf(ready)).toBe(200);
      await sleep(20);
    }
    await fronts[1]?.close();
    await vi.waitFor(async () => expect(await statusOf(ready)).toBe(503), 20_000);
  });
});

describe('before its first connection', () => {
  test('a pool is neither ready nor started, whatever is tolerated', async () => {
    const front = await own.listen();
    await front.close();
    const pool = await own.connect(front, { failFast: false, minConnections: 1 });
    const health = healthHandler(pool, { outageTolerance: '1h' });
    expect(await statuses(health)).toEqual([200, 503, 503]);
    await vi.waitFor(() => expect(pool.poolStats().openFailed).toBeGreaterThan(0), 20_000);
    expect(await statuses(health)).toEqual([200, 503, 503]);
    expect(health.status('started').sentence).toBe('No connection was made yet: attempts to make one failed.');
    await own.listen({ port: front.port });
    await vi.waitFor(async () => expect(await statuses(health)).toEqual([200, 200, 200]), 20_000);
  });

  test('a pool that opens none by itself is ready, or it would never have one', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { failFast: false, minConnections: 0 });
    expect(await statuses(healthHandler(pool))).toEqual([200, 200, 200]);
    expect(healthHandler(pool).status('ready').sentence).toContain('when a caller comes');
  });
});

test('a paused pool is not ready, until it goes on', async () => {
  const pool = await own.pool('mem://');
  const health = healthHandler(pool, { outageTolerance: '1h' });
  pool.pause();
  expect(await statuses(health)).toEqual([200, 503, 200]);
  expect(health.status('ready').sentence).toBe('Paused: the pool lends nothing until resume(); nobody waits.');
  pool.resume();
  expect(await statuses(health)).toEqual([200, 200, 200]);
});

test('a pool is not ready from the first moment of its shutdown, and stays live', async () => {
  const pool = await own.pool('mem://');
  const health = healthHandler(pool, { outageTolerance: '1h' });
  const held = await pool.acquire();
  const ended = pool.shutdown();
  expect(await statuses(health)).toEqual([200, 503, 200]);
  expect(health.status('ready').sentence).toMatch(/^Shutting down: 1 lease has not ended yet/);
  await held.release();
  await ended;
  expect(await statuses(health)).toEqual([200, 503, 200]);
  expect(health.status('ready').sentence).toBe('Shut down: the pool serves nobody any more.');
});

describe('several pools', () => {
  test('of one name are told apart as in metrics: the older one keeps it', async () => {
    const older = await own.pool('mem://', { name: 'app' });
    const younger = await own.pool('mem://', { name: 'app' });
    const health = healthHandler([younger, older]);
    younger.pause();
    expect(health.status('ready').sentence).toMatch(/^app \(2\): Paused/);
    expect(health.status('ready').pools?.map(({ pool }) => pool)).toEqual(['app', 'app (2)']);
    expect(healthHandler(younger).status('ready').pool).toBe('app');
  });

  test('all have to be ready, and each is told', async () => {
    const pools = [await own.pool('mem://', { name: 'one' }), await own.pool('mem://', { name: 'two' })];
    const health = healthHandler(pools);
    expect(health.status('ready')).toMatchObject({ status: 'ok', sentence: 'All pools are ready.' });
    pools[1]?.pause();
    const [status, body] = await ask(health, 'readyz');
    expect([status, body.sentence]).toEqual([503, 'two: Paused: the pool lends nothing until resume(); nobody waits.']);
    expect(body.pools?.map(({ pool, status: one }) => [pool, one])).toEqual([
      ['one', 'ok'],
      ['two', 'unavailable'],
    ]);
    expect(await statusOf(healthHandler(pools.slice(0, 1)))).toBe(200);
  });

  test('may come later, and are asked for by no check of the process', async () => {
    const pools: ConnectionManager[] = [];
    const health = healthHandler(() => pools);
    expect(await statuses(health)).toEqual([200, 503, 503]);
    pools.push(await own.pool('mem://'));
    expect(await statuses(health)).toEqual([200, 200, 200]);

    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const broken = healthHandler(() => {
      throw new Error('hidden');
    });
    const asked = await Promise.all(
      everyCheck.map(async (check) => (await broken[check].fetch(new Request('http://localhost/'))).status),
    );
    expect(asked).toEqual([200, 500, 500]);
    emit.mockRestore();
  });
});

describe('the body', () => {
  test('names no server and no error without the option for details', async () => {
    const front = await own.listen({ auth: true });
    const credentials = { username: 'root', password: 'secret' };
    const pool = await own.connect(front, { credentials, minConnections: 1 });
    const [plain, detailed] = [false, true].map((details) => healthHandler(pool, { outageTolerance: 0, details })) as [
      HealthChecks,
      HealthChecks,
    ];
    const bodies = (health: HealthChecks): string => JSON.stringify(everyCheck.map((check) => health.status(check)));
    expect(bodies(plain)).not.toMatch(/127\.0\.0\.1|secret|root/);
    expect(bodies(detailed)).toContain('127.0.0.1');
    await front.close();
    await vi.waitFor(async () => expect(await statusOf(plain)).toBe(503), 20_000);
    await vi.waitFor(() => expect(pool.endpoints()[0]?.lastError).toMatch(/127/), 20_000);
    expect(bodies(plain)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|secret|root/);
    expect(bodies(detailed)).not.toMatch(/secret|root/);
    const { sentence, endpoints } = detailed.status('ready');
    expect(sentence).toMatch(/^No server is usable\. .*ECONNREFUSED/);
    expect(endpoints?.[0]).toMatchObject({ url: front.url, connections: 0, lastError: expect.any(String) });
  });
});

test('what is no pool and what is no option is refused', async () => {
  const pool = await own.pool('mem://');
  const make = (pools: unknown, options?: unknown) => () =>
    healthHandler(pools as ConnectionManager, options as HealthOptions);
  for (const pools of [undefined, {}, [], [pool, {}], Promise.resolve(pool)]) expect(make(pools)).toThrow(UsageError);
  for (const options of [{ tolerance: '1s' }, { outageTolerance: -1 }, { outageTolerance: null }, { details: 1 }]) {
    expect(make(pool, options)).toThrow(ConfigurationError);
  }
});

describe.each(Object.entries(servers))('on %s', (_, start) => {
  test('each check and all together can be mounted, for GET and HEAD', async () => {
    const pool = await own.pool('mem://');
    const health = healthHandler(pool);
    pool.pause();
    const expected = { live: 200, ready: 503, started: 200 };
    const all = await start(health);
    try {
      for (const check of everyCheck) {
        const response = await fetch(`${all.url}/below/${check}`);
        expect(response.status).toBe(expected[check]);
        expect(await response.json()).toEqual(JSON.parse(JSON.stringify(health.status(check))));
        const head = await fetch(`${all.url}/${check}`, { method: 'HEAD' });
        expect([head.status, await head.text()]).toEqual([expected[check], '']);
      }
      expect((await fetch(`${all.url}/`)).status).toBe(404);
      expect((await fetch(`${all.url}/readyz`, { method: 'POST', body: '' })).status).toBe(405);
    } finally {
      await all.close();
    }
    const alone = await start(health.ready);
    try {
      expect((await fetch(`${alone.url}/anything`)).status).toBe(503);
    } finally {
      await alone.close();
    }
  });
});
