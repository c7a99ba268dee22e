import { describe, expect, test } from 'vitest';
import { fail, savepointScene } from '../support/savepoint-scene.js';
import { id } from '../support/things.js';

const scene = savepointScene();

/** Has what follows wait, so that a commit is asked for before it has its turn. */
async function slowly(make: () => Promise<unknown>): Promise<void> {
  scene.front.onRequest = ({ method }) => (method === 'query' ? { delay: 30 } : 'pass');
  await make();
  scene.front.onRequest = () => 'pass';
}

/** Sends a query now: a builder waits for the one who awaits it. */
const sent = (query: PromiseLike<unknown>): Promise<unknown> => Promise.resolve(query.then((answer) => answer));

describe('what was asked of savepoints before a commit is done before it', () => {
  test('a savepoint is made, and a release forgets one', async () => {
    const { connection, transaction } = await scene.begin();
    const first = await transaction.savepoint('first');
    await slowly(async () => {
      const asked = [
        sent(transaction.create(id(1))),
        transaction.savepoint('second'),
        first.release(),
        sent(transaction.query('RETURN 1')),
        transaction.commit(),
      ];
      await Promise.all(asked);
    });
    expect(transaction.state).toBe('committed');
    expect(scene.pool.poolStats().savepoints).toMatchObject({ created: 2 });
    expect(await scene.stored()).toEqual([1]);
    connection.release();
  });

  test.each([false, true])(
    'a rollback to a savepoint undoes what came behind it (a call had failed: %s)',
    async (failed) => {
      const { connection, transaction } = await scene.begin();
      await transaction.create(id(1));
      const savepoint = await transaction.savepoint();
      await transaction.create(id(2));
      if (failed) await fail(transaction).catch(() => {});
      await slowly(async () => {
        const undone = savepoint.rollback();
        const committed = transaction.commit();
        await undone;
        // The commit goes on from here: the transaction takes no more calls.
        await expect(transaction.query('CREATE thing:3').collect()).rejects.toThrow('came too late');
        await committed;
      });
      expect(transaction.state).toBe('committed');
      expect(await scene.stored()).toEqual([1]);
      connection.release();
    },
  );

  test('a call that fails alone is undone, and the others are committed', async () => {
    const { connection, transaction } = await scene.begin({ onStatementError: 'savepoint' });
    await slowly(async () => {
      const asked = [
        sent(transaction.create(id(1))),
        fail(transaction),
        sent(transaction.create(id(2))),
        transaction.commit(),
      ];
      const results = await Promise.allSettled(asked);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    });
    expect(await scene.stored()).toEqual([1, 2]);
    connection.release();
  });
});
