import { RecordId } from 'surrealdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import type { Place } from '../support/backend.js';
import { firstCommit, newDatabase } from '../support/commits.js';
import type { Front } from '../support/front.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// Old markers are swept, so the absence of one that may be old proves nothing. Only the clock of the process is moved.

const own = surroundings(rocksdbUrl());
const minutes = 60_000;

let place: Place;
let front: Front;
let pool: ConnectionManager;

beforeEach(async () => {
  place = await newDatabase(own.engine);
  front = await own.listen();
  pool = await own.connect(front, { ...place, maxConnections: 1 });
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Commits a transaction that was open for so long, and whose answer to the commit is lost. */
async function commitAfter(time: number, fault: 'drop' | 'kill'): Promise<unknown> {
  front.onRequest = firstCommit(fault);
  return await pool.withTransaction(
    async (transaction) => {
      await transaction.create(new RecordId('thing', 1));
      vi.setSystemTime(Date.now() + time);
    },
    { verifyCommit: true },
  );
}

describe('the outcome of a commit whose answer was lost, of a transaction that was open for long', () => {
  test.each([0, 29 * minutes])('is found out after %i ms: not applied', async (time) => {
    await expect(commitAfter(time, 'kill')).rejects.toMatchObject({ code: 'ERR_POOL_TRANSACTION_LOST' });
    expect(pool.poolStats().transactions).toMatchObject({ lost: 1, fenced: 1, unknown: 0 });
  });

  test.each([31 * minutes, 24 * 60 * minutes])('is unknown after %i ms when its marker is not there', async (time) => {
    await expect(commitAfter(time, 'kill')).rejects.toMatchObject({
      code: 'ERR_POOL_COMMIT_OUTCOME_UNKNOWN',
      cause: { message: expect.stringContaining('more than 30 minutes') },
    });
    expect(pool.poolStats().transactions).toMatchObject({ lost: 0, fenced: 0, unknown: 1 });
  });

  test('is found out whenever its marker is there: applied', async () => {
    await commitAfter(31 * minutes, 'drop');
    expect(pool.poolStats().transactions).toMatchObject({ committed: 1, fenced: 1, unknown: 0 });
  });
});
