import { BoundQuery, type Session } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { Batches } from '../../src/calls/batch.js';
import { Exports } from '../../src/calls/exports.js';
import { PoolChannel, unsentAttempts } from '../../src/calls/pool-channel.js';
import { retryDecision } from '../../src/errors/retry-decision.js';
import { Emitter } from '../../src/pool/emitter.js';
import type { Lease } from '../../src/pool/lease.js';
import type { Connection } from '../../src/session/connection.js';
import { QueryJournal } from '../../src/telemetry/query-journal.js';
import { systemClock } from '../../src/time/clock.js';

/** A lease whose connection is found to be closing when the first call comes: nothing is sent on it. */
function closingLease(released: () => void): Lease<Connection> {
  const resource = { id: 7, usable: false, identity: { namespace: 'test', database: 'test' } };
  return { active: true, resource, release: released, markForRecycling() {} } as unknown as Lease<Connection>;
}

async function ask(closing: number, maxAttempts: number) {
  const fresh: boolean[] = [];
  let released = 0;
  const channel = new PoolChannel(
    async (how) => {
      fresh.push(how.fresh);
      if (fresh.length > closing) throw new Error('a connection that was opened for the call');
      return closingLease(() => released++);
    },
    new QueryJournal(
      { id: 1, name: 'test', serverAddress: undefined, serverPort: undefined },
      new Emitter(),
      systemClock,
    ),
    () => ({ key: 'test', namespace: 'test', database: 'test', signIn: undefined, variables: {} }),
    { queryTimeout: 0, sever() {} },
    new Batches(),
    new Exports(),
    { maxAttempts, unsentAttempts, backoff: () => 0, decide: (error) => retryDecision(error, false) },
  );
  const answer = channel
    .query(new BoundQuery('RETURN 1'), undefined as Session)
    [Symbol.asyncIterator]()
    .next();
  const error: unknown = await answer.then(undefined, (failure: unknown) => failure);
  return { fresh, error, released };
}

describe('a call that meets connections which are closing', () => {
  test.each([1, 3])('does not count them as attempts, of which there may be %i', async (maxAttempts) => {
    const { fresh, error, released } = await ask(6, maxAttempts);
    expect(error).toMatchObject({ message: 'a connection that was opened for the call' });
    expect(fresh).toEqual([false, false, false, true, true, true, true]);
    expect(released).toBe(6);
  });

  test('comes to an end when there are only such, and says that nothing was sent', async () => {
    const { fresh, error, released } = await ask(Number.POSITIVE_INFINITY, 3);
    expect(error).toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'not-sent' });
    expect([fresh.length, released]).toEqual([13, 13]);
    expect(fresh.at(-1)).toBe(true);
  });
});
