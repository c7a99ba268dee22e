import dns from 'node:dns';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../src/errors/error-message.js';
import { UpgradeRefusedError } from '../../src/errors/upgrade-refused.js';
import { ConnectError, createPool } from '../../src/index.js';
import { runChild } from '../support/child.js';
import { place, surroundings } from '../support/surroundings.js';
import { temporaryFolder } from '../support/temporary.js';

const own = surroundings();
const once = { ...place, minConnections: 0, retryPolicy: { maxAttempts: 1 } };

afterEach(() => {
  vi.restoreAllMocks();
});

/** A process that opens a pool on the same files. */
const second = `
  import { createPool } from 'surreal-pool';
  const options = { namespace: 'test', database: 'test', retryPolicy: { maxAttempts: 1 } };
  await createPool(process.argv[1], options).catch((error) => console.log(error.message));
  process.exit();
`;

async function failure(url: string): Promise<ConnectError> {
  const error = await createPool(url, once).catch((failed: unknown) => failed);
  if (!(error instanceof ConnectError)) throw new Error('it did not fail as it should', { cause: error });
  return error;
}

describe('an answer to the upgrade that is none', () => {
  test.each<[string, string, number | undefined]>([
    ['a starting server', '503 Service Unavailable\r\nRetry-After: 1', 1_000],
    ['a proxy without a backend', '503 Service Unavailable', undefined],
    ['a proxy that limits rates', '429 Too Many Requests\r\nRetry-After: 7', 7_000],
    ['a proxy that asks for an hour', '503 Service Unavailable\r\nRetry-After: 3600', 60_000],
    ['a proxy that says nothing that can be read', '503 Service Unavailable\r\nRetry-After: soon', undefined],
    ['a bad gateway', '502 Bad Gateway', undefined],
  ])('of %s says how long to wait', async (_who, answer, retryAfter) => {
    const front = await own.listen();
    front.refuse = answer;
    const error = await failure(front.url);
    expect(error).toMatchObject({ fatal: false, retryable: true, retryAfter });
    expect(error.message).toContain(`was answered with ${answer.split('\r\n')[0]}`);
    expect(error.cause).toBeInstanceOf(UpgradeRefusedError);
    expect(front.connections).toBe(0);
  });

  test('may name a date', () => {
    const at = (offset: number): string => new Date(Date.now() + offset).toUTCString();
    const waitUntil = (date: string) =>
      new UpgradeRefusedError({ statusCode: 503, headers: { 'retry-after': date } }).retryAfter ?? Number.NaN;
    expect(waitUntil(at(30_000))).toBeGreaterThan(20_000);
    expect(waitUntil(at(30_000))).toBeLessThanOrEqual(30_000);
    expect(waitUntil(at(-30_000))).toBe(0);
  });
});

describe('a server that cannot be reached', () => {
  test('by a name with several addresses: each failure is told', async () => {
    const lookup = dns.lookup;
    vi.spyOn(dns, 'lookup').mockImplementation(((
      host: string,
      options: object,
      found: (...args: unknown[]) => void,
    ) => {
      if (host !== 'db.internal') return lookup(host, options, found as never);
      const addresses = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      process.nextTick(found, null, addresses);
      return undefined;
    }) as typeof lookup);
    const { message, cause } = await failure('ws://db.internal:9');
    expect(cause).toBeInstanceOf(AggregateError);
    expect(message).toMatch(/^cannot connect to ws:\/\/db\.internal:9\/rpc: .*::1.*; .*127\.0\.0\.1/);
  });

  test.each<[unknown, string]>([
    [new AggregateError([new Error('one'), new AggregateError([new Error('two'), 'three'])]), 'one; two; three'],
    [new AggregateError([], 'own words'), 'own words'],
    [new AggregateError([]), 'AggregateError'],
    [Object.assign(new Error(), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new RangeError(), 'RangeError'],
  ])('is never told without words (%o)', (error, words) => {
    expect(messageOf(error)).toBe(words);
  });

  test('and closes the socket with a code before it answers', async () => {
    const front = await own.listen();
    front.onRequest = (_request, socket) => {
      socket.close(1013, 'The server is unable to handle the request');
      return 'swallow';
    };
    expect((await failure(front.url)).message).toMatch(/code 1013 \(The server is unable to handle the request\)$/);
  });
});

describe('files that another engine has open', () => {
  const urls = () => ['rocksdb', 'surrealkv'].map((engine) => `${engine}://${temporaryFolder()}/db`);

  test('in this process are told in the first line', async () => {
    for (const url of urls()) {
      await own.pool(url);
      const error = await failure(url);
      expect(error.message).toContain(`cannot connect to ${url}: another engine `);
      expect(error.message).toContain(' has its files open: ');
      expect(error).toMatchObject({ fatal: false });
    }
  });

  test('in another process are told in the first line', async () => {
    for (const url of urls()) {
      await own.pool(url);
      const { stdout } = await runChild(second, [url]);
      expect(stdout).toContain(`cannot connect to ${url}: another engine or process has its files open: `);
    }
  });
});
