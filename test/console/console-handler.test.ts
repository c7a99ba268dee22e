import { request as httpRequest } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import {
  type ConsoleMessage,
  type ConsoleOptions,
  type ConsoleSnapshot,
  consoleHandler,
} from '../../src/console/index.js';
import { ConfigurationError, UsageError } from '../../src/index.js';
import { ConnectionManager } from '../../src/manager.js';
import { consoleServers } from '../support/console-server.js';
import { memoryLogger } from '../support/memory-logger.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const serve = consoleServers();
const token = 'a-token-of-the-tests';
const withToken = { authorization: `Bearer ${token}` };

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A request with any header, also those that fetch keeps for itself. */
async function ask(url: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Reply> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const act = (url: string, name: string, body: object, headers: Record<string, string> = withToken): Promise<Reply> =>
  ask(`${url}/${name}`, { 'content-type': 'application/json', ...headers }, 'POST', JSON.stringify(body));

/** The messages of a stream, each when it comes. */
async function* messages(url: string, signal: AbortSignal): AsyncGenerator<ConsoleMessage> {
  const response = await fetch(url, { signal });
  let rest = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    rest += part;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield JSON.parse(block.replace(/^data: /, '')) as ConsoleMessage;
  }
}

const listens = (pool: ConnectionManager): boolean =>
  ConnectionManager.partsOf(pool).pool.events.has('acquireTimedOut');

describe('the options', () => {
  const refused: readonly (readonly [given: unknown, said: string])[] = [
    [{ actions: true }, 'token'],
    [{ allowRemote: true }, 'token'],
    [{ token: 'too-short' }, 'a text of 9 characters'],
    [{ token: 'a token with blanks' }, 'with a blank'],
    [{ token: 17 }, 'token'],
    [{ action: true }, 'actions'],
    [{ interval: 10 }, 'interval'],
    [{ interval: '2m' }, 'interval'],
    [{ interval: 0 }, 'interval'],
    [{ actions: 'yes', token }, 'actions'],
    [null, 'consoleHandler()'],
  ];
  test.each(refused)('%j are refused', async (given, said) => {
    const pool = await own.pool('mem://');
    const make = (): unknown => consoleHandler(pool, given as ConsoleOptions);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(said);
    // A token that cannot be used is still a secret.
    expect(make).not.toThrow('too-short');
  });

  test.each([undefined, null, {}, [{}], Promise.resolve()])('%s is no pool', (given) => {
    expect(() => consoleHandler(given as never)).toThrow(UsageError);
  });
});

describe('the page', () => {
  test('is served below any path with a policy that allows its own script and style alone, and has no data', async () => {
    const pool = await own.connect(await own.listen(), { name: 'a-name-of-a-pool' });
    const { url } = await serve(pool);
    for (const path of [url, `${url}/`, `${url}/anything`]) {
      const { status, headers, body } = await ask(path);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'sha256-[^' ]{44}'; style-src 'sha256-[^' ]{44}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      );
      expect(body).not.toContain('a-name-of-a-pool');
      expect(body).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
      expect(body).not.toMatch(/\sstyle=|\son\w+=/);
    }
    expect((await ask(url, {}, 'HEAD')).body).toBe('');
    expect(await ask(url, {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

describe('the data', () => {
  test('of a snapshot are the numbers of the pool, without values and query strings', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { name: 'shop', maxConnections: 3 });
    const session = pool.createSession({ agentId: 'planner-7', limits: { operationsPerSecond: 100 } });
    await using held = await session.acquire();
    await held.query('SELECT * FROM thing WHERE owner = $owner AND word = "a-secret-word"', {
      owner: 'a-secret-owner',
    });
    const { url } = await serve(pool);
    const { status, headers, body } = await ask(`${url}/snapshot`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(body).not.toContain('a-secret');
    const snapshot = JSON.parse(body) as ConsoleSnapshot;
    const { total, leased, idle, maxConnections } = pool.poolStats();
    expect(snapshot).toMatchObject({
      ...{ pool: 'shop', state: 'running' },
      verdict: { kind: 'healthy', severity: 'fine', sentence: 'Healthy: 1 of 3 connections in use, nobody waits.' },
      connections: { total, leased, idle, limit: maxConnections },
      waiting: { callers: 0, oldest: 0 },
      endpoints: [{ url: front.url, state: 'well', circuit: 'closed', inUse: 1 }],
      strip: [{ id: held.id, endpoint: 0, state: 'leased' }],
      leases: { shown: [{ connection: held.id, agent: 'planner-7', queries: 1, shared: 0 }], more: 0 },
      agents: { open: 1, shown: [{ agentId: 'planner-7', connections: 1, operations: 1 }], more: 0 },
      totals: { queries: 1 },
    });
    expect(snapshot.leases.shown[0]?.statement).toContain('SELECT * FROM thing WHERE owner = ');
  });

  test('of one connection have its holder, and where it was acquired', async () => {
    const pool = await own.connect(await own.listen(), { leakDetectionThreshold: '60s' });
    await using held = await pool.acquire();
    const { url } = await serve(pool);
    const { body } = await ask(`${url}/connection?id=${held.id}`);
    expect(JSON.parse(body)).toMatchObject({
      ...{ id: held.id, state: 'leased' },
      holder: { origin: expect.stringContaining('console-handler.test.ts') },
    });
    for (const query of ['?id=99', '?id=', '?id=x', '']) {
      expect((await ask(`${url}/connection${query}`)).status).toBe(404);
    }
  });

  test('come as a stream, and nobody listens to the pool before and after', async () => {
    const pool = await own.connect(await own.listen(), { name: 'shop' });
    const { url } = await serve(pool, { interval: 100 });
    expect(listens(pool)).toBe(false);
    const leave = new AbortController();
    const seen: ConsoleMessage[] = [];
    for await (const message of messages(`${url}/events`, leave.signal)) {
      expect(listens(pool)).toBe(true);
      seen.push(message);
      // What happens meanwhile is in a later message.
      if (seen.length === 1) pool.resize({ maxConnections: 5 });
      if (seen.length === 3) break;
    }
    leave.abort();
    expect(seen[0]).toMatchObject({ pools: [{ name: 'shop' }], actions: false, next: expect.any(Number) });
    expect(seen[2]?.snapshot).toMatchObject({
      connections: { limit: 5 },
      events: [{ name: 'resized', text: 'the pool was resized: 0 to 5 connections', count: 1 }],
    });
    expect(seen[2]?.snapshot?.rates).toBeDefined();
    await vi.waitFor(() => expect(listens(pool)).toBe(false));
    // One snapshot alone leaves no listener either.
    await ask(`${url}/snapshot`);
    expect(listens(pool)).toBe(false);
  });

  test('are of the pool that is asked for, by a name of its own', async () => {
    const pools: ConnectionManager[] = [];
    for (const name of ['shop', 'shop', 'mail']) pools.push(await own.pool('mem://', { name }));
    const { url } = await serve(() => pools);
    const leave = new AbortController();
    for await (const { pools: named, snapshot } of messages(`${url}/events?pool=mail`, leave.signal)) {
      expect(named.map(({ name }) => name)).toEqual(['shop', 'shop (2)', 'mail']);
      expect(snapshot?.pool).toBe('mail');
      break;
    }
    leave.abort();
    expect(JSON.parse((await ask(`${url}/snapshot?pool=shop%20(2)`)).body)).toMatchObject({ pool: 'shop (2)' });
    expect((await ask(`${url}/snapshot?pool=none`)).status).toBe(404);
    expect((await ask(`${(await serve([])).url}/snapshot`)).status).toBe(404);
  });

  test('go to 32 viewers at most', async () => {
    const pool = await own.pool('mem://');
    const { url } = await serve(pool);
    const leave = new AbortController();
    const responses = await Promise.all(
      Array.from({ length: 32 }, () => fetch(`${url}/events`, { signal: leave.signal })),
    );
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await ask(`${url}/events`)).status).toBe(429);
    leave.abort();
    await vi.waitFor(() => expect(listens(pool)).toBe(false));
    const again = new AbortController();
    expect((await fetch(`${url}/events`, { signal: again.signal })).status).toBe(200);
    again.abort();
  });
});

describe('who asks', () => {
  const strangers: readonly (readonly [who: string, headers: Record<string, string>])[] = [
    ['a page that leads its own name here', { host: 'evil.example' }],
    ['a name that begins like this machine', { host: 'localhost.evil.example' }],
    ['a client behind a proxy', { 'x-forwarded-for': '127.0.0.1' }],
    ['a client behind another proxy', { forwarded: 'for=127.0.0.1' }],
  ];
  test.each(strangers)('%s sees nothing', async (_who, headers) => {
    const { url } = await serve(await own.pool('mem://'));
    for (const path of ['', '/snapshot', '/events', '/connection?id=1']) {
      expect((await ask(`${url}${path}`, headers)).status).toBe(403);
    }
  });

  const pages: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  test.each(pages)('a page with %j gets no data, and does nothing, with the token too', async (headers) => {
    const pool = await own.pool('mem://');
    const { url } = await serve(pool, { token, actions: true });
    expect((await ask(`${url}/snapshot`, headers)).status).toBe(403);
    expect((await ask(`${url}/events`, headers)).status).toBe(403);
    expect((await act(url, 'pause', {}, { ...withToken, ...headers })).status).toBe(403);
    expect(pool.state).toBe('running');
  });

  test('another machine is refused, unless it is allowed and has the token', async () => {
    const pool = await own.pool('mem://');
    const asked = async (options: ConsoleOptions, remoteAddress: string | undefined, path: string, headers = {}) => {
      const request = new Request(`http://pool.example${path}`, { headers: { host: 'pool.example', ...headers } });
      const env = { incoming: { socket: { remoteAddress } } };
      return (await consoleHandler(pool, options).fetch({ req: { raw: request }, env } as never)).status;
    };
    for (const remote of ['10.0.0.5', '::ffff:10.0.0.5', 'fe80::1', undefined]) {
      expect(await asked({}, remote, '/')).toBe(403);
      // A client may write any name into its header.
      expect(await asked({}, remote, '/snapshot', { host: 'localhost' })).toBe(403);
      expect(await asked({ token, actions: true }, remote, '/snapshot', withToken)).toBe(403);
      const allowed = { allowRemote: true, token };
      expect(await asked(allowed, remote, '/')).toBe(200);
      expect(await asked(allowed, remote, '/snapshot')).toBe(401);
      expect(await asked(allowed, remote, '/events')).toBe(401);
      expect(await asked(allowed, remote, '/connection?id=1')).toBe(401);
      expect(await asked(allowed, remote, '/snapshot', { authorization: 'Bearer another-token-of-16' })).toBe(401);
      expect(await asked(allowed, remote, `/snapshot?token=${token}`)).toBe(401);
      expect(await asked(allowed, remote, '/snapshot', withToken)).toBe(200);
    }
  });
});

describe('an action', () => {
  test('needs that actions are on, the token, and POST', async () => {
    const pool = await own.pool('mem://');
    const { url: looking } = await serve(pool, { token });
    expect((await act(looking, 'pause', {})).status).toBe(403);
    const { url } = await serve(pool, { token, actions: true });
    expect((await act(url, 'pause', {}, {})).status).toBe(401);
    expect((await act(url, 'pause', {}, { authorization: `Bearer ${token}x` })).status).toBe(401);
    expect((await act(url, 'pause', {}, { authorization: `Basic ${token}` })).status).toBe(401);
    expect(await ask(`${url}/pause`, withToken)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(pool.state).toBe('running');
    // Looking needs no token on this machine.
    expect((await ask(`${url}/snapshot`)).status).toBe(200);
  });

  test('is done, and told to the log with who asked', async () => {
    const { logger, lines } = memoryLogger();
    const fronts = [await own.listen(), await own.listen()];
    const addresses = fronts.map((front) => front.url);
    const pool = await own.pool(addresses, { logger, minConnections: 2 });
    const { url } = await serve(pool, { token, actions: true });
    const done = async (name: string, body: object = {}): Promise<unknown> => {
      const { status, body: text } = await act(url, name, body);
      expect(`${status} ${text}`).toMatch(/^200 /);
      return (JSON.parse(text) as { done: unknown }).done;
    };
    expect(await done('pause')).toContain('paused');
    expect(pool.state).toBe('paused');
    await done('resume');
    expect(pool.state).toBe('running');
    const held = await pool.acquire();
    await done('end-lease', { connection: held.id, reason: 'it blocks' });
    await expect(held.query('RETURN 1')).rejects.toThrow('it blocks');
    await done('recycle');
    await done('drain', { endpoint: addresses[1] });
    expect(pool.endpoints().map(({ state }) => state)).toContain('draining');
    await done('undrain', { endpoint: addresses[1] });
    expect(pool.endpoints().map(({ state }) => state)).not.toContain('draining');
    const told = lines.filter(({ message }) => message.startsWith('an operator acted'));
    expect(told.map(({ details }) => details)).toMatchObject([
      { action: 'pause', by: '127.0.0.1' },
      { action: 'resume', by: '127.0.0.1' },
      { action: 'end-lease', target: `connection ${held.id}`, by: '127.0.0.1' },
      { action: 'recycle', by: '127.0.0.1' },
      { action: 'drain', target: new URL(addresses[1] ?? '').host, by: '127.0.0.1' },
      { action: 'undrain', by: '127.0.0.1' },
    ]);
  });

  const wrong: readonly (readonly [status: number, action: string, body: string])[] = [
    [400, 'pause', '{'],
    [400, 'pause', '[]'],
    [400, 'pause', 'null'],
    [400, 'pause', '{"pol":"shop"}'],
    [400, 'pause', '{"__proto__":{}}'],
    [404, 'pause', '{"pool":"none"}'],
    [400, 'end-lease', '{}'],
    [400, 'end-lease', '{"connection":"1"}'],
    [409, 'end-lease', '{"connection":1.5}'],
    [409, 'end-lease', '{"connection":99}'],
    [400, 'drain', '{}'],
    [409, 'drain', '{"endpoint":"ws://nowhere:1"}'],
    [409, 'drain', '{"endpoint":"no address"}'],
    [409, 'undrain', '{"endpoint":"ws://nowhere:1"}'],
  ];
  test.each(wrong)('that cannot be done is answered with %d: %s %s', async (status, action, body) => {
    const pool = await own.connect(await own.listen(), { name: 'shop' });
    const { url } = await serve(pool, { token, actions: true });
    const reply = await ask(`${url}/${action}`, withToken, 'POST', body);
    expect(`${reply.status} ${reply.body}`).toMatch(new RegExp(`^${status} `));
    expect(pool.state).toBe('running');
    expect(pool.endpoints()).toHaveLength(1);
  });
});
