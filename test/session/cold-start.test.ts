import { afterEach, describe, expect, test, vi } from 'vitest';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };

afterEach(() => {
  vi.restoreAllMocks();
});

/** Answers what arrives together in one go, and notes it: what a client sends without waiting is one round trip. */
async function roundTrips(connect: (url: string) => Promise<unknown>): Promise<string[][]> {
  const front = await own.listen({ auth: true });
  const trips: string[][] = [];
  let waiting: (() => void)[] = [];
  let methods: string[] = [];
  front.onRequest = ({ method }) =>
    new Promise((resolve) => {
      methods.push(method);
      waiting.push(() => resolve('pass'));
      if (waiting.length > 1) return;
      // Long enough for all that was sent together to arrive.
      setTimeout(() => {
        trips.push(methods.sort());
        const answer = waiting;
        [waiting, methods] = [[], []];
        for (const pass of answer) pass();
      }, 20);
    });
  await connect(front.url);
  return trips;
}

describe('a connection is opened in as few round trips as its steps allow', () => {
  test('the version with the session, then the user, then its place and variables, then the proof', async () => {
    const trips = await roundTrips(async (url) => {
      const pool = await own.pool(url, { maxConnections: 1, failFast: false, warmConnections: false });
      await pool.acquire({ credentials: root, variables: { a: 1, b: 2, c: 3 } }).then((lease) => lease.release());
    });
    expect(trips).toEqual([['attach', 'version'], ['signin'], ['let', 'let', 'let', 'use'], ['query']]);
  });

  test('and moved to other variables in one', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    const first = pool.scope({ variables: { a: 1, b: 2 } });
    expect(await first.query('RETURN [$a, $b, $c]')).toEqual([[1, 2, undefined]]);
    const second = pool.scope({ namespace: 'test', database: 'other', variables: { b: 3, c: 4 } });
    expect(await second.query('RETURN [$a, $b, $c]')).toEqual([[undefined, 3, 4]]);
    expect(await pool.query('RETURN [$a, $b, $c]')).toEqual([[undefined, undefined, undefined]]);
    expect(pool.poolStats().opened).toBe(1);
  });

  test.each(['over a socket', 'embedded'])(
    'changes of one session that are sent together all count, %s',
    async (where) => {
      const pool =
        where === 'embedded' ? await own.pool('mem://', { maxConnections: 4 }) : await own.connect(await own.listen());
      const names = Array.from({ length: 12 }, (_, index) => `v${index}`);
      await Promise.all(
        Array.from({ length: 60 }, async (_, round) => {
          const variables = Object.fromEntries(names.map((name, index) => [name, round * 100 + index]));
          const database = `d${round % 3}`;
          const answer = await pool
            .scope({ namespace: 'test', database, variables })
            .query(`RETURN [session::db(), ${names.map((name) => `$${name}`).join(', ')}]`);
          expect(answer).toEqual([[database, ...Object.values(variables)]]);
        }),
      );
    },
  );
});

describe('a pool without credentials', () => {
  test('says at its start that the server refuses its queries, once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { minConnections: 2, maxConnections: 2 });
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(2));
    expect(warn).toHaveBeenCalledOnce();
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/^ws:.* refuses every query of a connection without credentials/);
    await expect(pool.query('RETURN 1').then()).rejects.toMatchObject({ kind: 'NotAllowed' });
  });

  test('says nothing where the server answers guests, or the pool has credentials', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await own.connect(await own.listen(), { minConnections: 1 });
    const front = await own.listen({ auth: true });
    await own.connect(front, { minConnections: 1, credentials: root });
    expect(warn).not.toHaveBeenCalled();
    expect(asked(front, 'info')).toBe(0);
  });
});
