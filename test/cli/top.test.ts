import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { consoleServers } from '../support/console-server.js';
import { surroundings } from '../support/surroundings.js';
import { Command, run } from './command.js';
import { messageOf, snapshotWith } from './top-snapshot.js';

const own = surroundings();
const serve = consoleServers();

const servers = new Set<Server>();
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
  servers.clear();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function poolNamed(name: string) {
  return await own.pool((await own.listen()).url, { name, maxConnections: 4, minConnections: 0 });
}

const esc = String.fromCharCode(27);
const token = 'a-token-of-this-test';

describe('top --once', () => {
  test('shows a pool with what is lent, and ends well', async () => {
    const pool = await poolNamed('shop/orders');
    const session = pool.createSession({ agentId: 'support-bot' });
    const lease = await session.acquire();
    try {
      await lease.query('SELECT * FROM thing WHERE name = $name', { name: 'a value' });
      const { url } = await serve(pool);
      const { code, stdout, stderr } = await run(['top', url, '--once']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^shop\/orders {2}running {2}\d\d:\d\d:\d\d/);
      expect(stdout).toMatch(/^✓ Healthy: 1 of 4 connections in use, nobody waits\.$/m);
      expect(stdout).toMatch(/^1\/4 +0 +– +(?:–|[\d.]+\/s) +[\d.]+ ms +/m);
      expect(stdout).toMatch(/^Connections 1 of at most 4 {2}(?:U 1 used|H 1 held without a call)$/m);
      expect(stdout).toMatch(/^#\d+ .* support-bot .*SELECT \* FROM/m);
      expect(stdout).toMatch(/^Endpoints 1/m);
      expect(stdout).not.toContain('a value');
      expect(stdout).not.toContain(esc);
    } finally {
      await lease.release();
    }
  });

  test('shows the pool that was named, and names those there are', async () => {
    const [one, other] = [await poolNamed('one'), await poolNamed('other')];
    const { url } = await serve([one, other]);
    expect((await run(['top', url, '--once'])).stdout).toMatch(/^one {2}running/);
    const { stdout } = await run(['top', `${url}?pool=other`, '--once']);
    expect(stdout).toMatch(/^other {2}running/);
    expect(stdout).toMatch(/^pools {2}✓ one {2}✓ \[other\]$/m);
    expect(await run(['top', url, '--pool', 'others', '--once'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `surreal-pool: ${url} has no pool "others"; it has "one", "other": give --pool\n`,
    });
    expect(await run(['top', (await serve([])).url, '--once'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has no pool now\n$/),
    });
  });
});

test('top --json shows the snapshot as the server sends it', async () => {
  const { url } = await serve(await poolNamed('shop/orders'));
  const { code, stdout, stderr } = await run(['top', url, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    pool: 'shop/orders',
    verdict: { kind: 'healthy' },
    connections: { limit: 4 },
    totals: { served: 0 },
  });
});

describe('without a terminal', () => {
  test('top writes a line each interval, until a signal', async () => {
    const { url } = await serve(await poolNamed('shop/orders'));
    const command = new Command(['top', url, '--interval', '200ms']);
    await command.wrote(/(?:.*\n){3}/);
    command.signal('SIGTERM');
    const { code, stdout, stderr } = await command.ended;
    expect({ code, stderr }).toEqual({ code: 143, stderr: '' });
    for (const line of stdout.trim().split('\n')) {
      expect(line).toMatch(
        /^top: \d{4}-\d\d-\d\dT[\d:.]+Z shop\/orders fine healthy, used 0\/4, waiting 0, oldest 0 ms, wait p99 0\.0 ms, .*: Healthy: /,
      );
    }
  });

  test('top says when the server is gone, and goes on when it is back', async () => {
    const pool = await poolNamed('shop/orders');
    const first = await serve(pool);
    const command = new Command(['top', `127.0.0.1:${first.port}/pool/`, '--interval', '100ms']);
    await command.wrote(/fine healthy/);
    await first.stop();
    await command.wrote(/stale, trying again: http:\/\/127\.0\.0\.1:\d+\/pool\/? (?:cannot be reached|has ended)/);
    await command.wrote(/cannot be reached: nothing listens there\n/);
    await serve(pool, {}, first.port);
    await command.wrote(/nothing listens there\n(?:.*\n)*top: .* fine healthy/);
    command.signal('SIGINT');
    expect((await command.ended).code).toBe(130);
  });
});

describe('a token', () => {
  test('is asked for, can be wrong, is taken, and is never shown', async () => {
    const { url } = await serve(await poolNamed('shop/orders'), { token, allowRemote: true });
    const asked = await run(['top', url, '--once']);
    expect(asked).toEqual({
      code: 1,
      stdout: '',
      stderr: `surreal-pool: ${url} refuses (401): This needs the token of the handler: \`Authorization: Bearer …\`.; give --token or SURREAL_POOL_CONSOLE_TOKEN\n`,
    });
    const wrong = await run(['top', url, '--once', '--token', 'another-token-of-this-test']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/The token is wrong.*give another --token/) });
    const right = [
      await run(['top', url, '--once', '--token', token]),
      await run(['top', url, '--once'], { SURREAL_POOL_CONSOLE_TOKEN: token }),
    ];
    for (const { code, stdout } of right) {
      expect(code).toBe(0);
      expect(stdout).toContain('shop/orders');
    }
    for (const { stdout, stderr } of [wrong, ...right]) {
      expect(stdout + stderr).not.toContain(token);
      expect(stdout + stderr).not.toContain('another-token');
    }
  });

  test('goes nowhere else', async () => {
    const heard: (string | undefined)[] = [];
    const elsewhere = await listen((request, response) => {
      heard.push(request.headers.authorization);
      response.end();
    });
    const url = await listen((_request, response) => {
      response.writeHead(302, { location: `${elsewhere}/events` }).end();
    });
    expect(await run(['top', url, '--once', '--token', token])).toMatchObject({
      code: 1,
      stderr: `surreal-pool: ${url} sends elsewhere (302), where a token is not sent: give the address itself\n`,
    });
    expect(heard).toEqual([]);
  });

  test('of the database is not taken for one of the page', async () => {
    const heard: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      heard.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    await run(['top', url, '--once'], { SURREAL_POOL_TOKEN: 'of-the-database' });
    expect(heard).toEqual([undefined]);
  });
});

describe('what is no live page', () => {
  test.each<[string, RequestListener, RegExp]>([
    [
      'another site',
      (_request, response) => response.setHeader('content-type', 'text/html').end('<html>'),
      /is not the live page of a pool: it answered 200 with text\/html; give the address of a consoleHandler\(\)\n$/,
    ],
    [
      'no such path',
      (_request, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('no'),
      /is not the live page of a pool: it answered 404 with text\/plain; /,
    ],
    [
      'a stream of something else',
      (_request, response) => response.setHeader('content-type', 'text/event-stream').end('data: {"pools":7}\n\n'),
      /sends what this version of surreal-pool cannot read: pools: /,
    ],
    [
      'a stream of no JSON',
      (_request, response) => response.setHeader('content-type', 'text/event-stream').end('data: hello\n\n'),
      /sends what this version of surreal-pool cannot read: it is no JSON\n$/,
    ],
    [
      'a stream that ends',
      (_request, response) => response.setHeader('content-type', 'text/event-stream').end(': nothing\n\n'),
      /has ended the connection\n$/,
    ],
    ['a server that hangs up', (request) => request.socket.destroy(), /cannot be reached: /],
    ['a server that says nothing', () => {}, /cannot be reached: it does not answer\n$/],
    [
      'a refusal with codes for a terminal',
      (_request, response) => response.writeHead(403, { 'content-type': 'text/plain' }).end(`no ${esc}[2J\r\nway`),
      /refuses \(403\): no \ufffd\[2J way\n$/,
    ],
  ])('is told from one: %s', async (_name, listener, message) => {
    const { code, stdout, stderr } = await run(['top', await listen(listener), '--once']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^surreal-pool: http:\/\/127\.0\.0\.1:\d+ /);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('nor a port where nothing listens', async () => {
    const url = await listen(() => {});
    for (const server of servers) server.close();
    servers.clear();
    expect(await run(['top', url])).toEqual({
      code: 1,
      stdout: '',
      stderr: `surreal-pool: ${url} cannot be reached: nothing listens there\n`,
    });
  });
});

test('names of a hostile server do not reach the terminal as codes', async () => {
  const text = `${esc}[2J${esc}]0;owned\u0007\u009b31m\u202e`;
  const message = messageOf(snapshotWith({ pool: text, verdict: { kind: 'pool', severity: 'fine', sentence: text } }));
  const url = await listen((_request, response) => {
    response.setHeader('content-type', 'text/event-stream').write(`data: ${JSON.stringify(message)}\n\n`);
  });
  const command = new Command(['top', url]);
  await command.wrote(/\n/);
  command.signal('SIGTERM');
  for (const { stdout } of [
    await run(['top', url, '--once']),
    await run(['top', url, '--json']),
    await command.ended,
  ]) {
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(stdout).toMatch(/owned/);
  }
});

test.each([
  [['ws://db:8000'], /\[url\]: given an address with ws:; allowed: .*surreal-pool load/],
  [['http://root:secret@db:8000'], /\[url\]: given an address with a user; allowed: .*--token/],
  [['one', 'two'], /"two": given a word that belongs to no option/],
  [['--interval', '5ms'], /--interval: given "5ms"; allowed: a time of at least 100 ms/],
  [['--once', '--json'], /--once: given with --json/],
  [['--token', 'with a blank'], /--token: given a text with a blank/],
  [['--pol', 'x'], /--pool \(did you mean that\?\)/],
])('the options %j are refused', async (parameters, message) => {
  const { code, stderr } = await run(['top', ...parameters]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/secret|with a blank"/);
});
