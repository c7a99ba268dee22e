import { setTimeout } from 'node:timers/promises';
import { RecordId, type SurrealQueryable } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Transaction } from '../../src/index.js';
import type { Fault } from '../support/front.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// Others change a record and change it back while a transaction is rolled back to a savepoint. What the pool compares, and
// what the transaction goes on with, may be snapshots of two moments: each of them has to be as the program believes.

const own = surroundings(rocksdbUrl());
const x = new RecordId('thing', 'x');

beforeEach(() => own.engine.query('CREATE thing:x SET v = "A"; CREATE thing:taken; CREATE thing:z', place));

const change = () => own.engine.query('UPDATE thing:x SET v = "B"', place);
const changeBack = () => own.engine.query('UPDATE thing:x SET v = "A"', place);

async function readX(queries: SurrealQueryable): Promise<unknown> {
  return (await queries.select<{ v: string }>(x))?.v;
}

/** Reads x, and has it undone. `undo` is called before the call that fails. */
type Program = (transaction: Transaction, undo: () => void) => Promise<unknown>;

const programs: readonly (readonly [string, 'abort' | 'savepoint', Program])[] = [
  [
    'a part that reads',
    'abort',
    async (transaction, undo) => {
      let seen: unknown;
      await transaction
        .withSavepoint(async () => {
          seen = await readX(transaction);
          undo();
          await transaction.query('THROW "no"');
        })
        .catch(() => {});
      return seen;
    },
  ],
  [
    'a part that has written something else before it reads',
    'abort',
    async (transaction, undo) => {
      let seen: unknown;
      await transaction
        .withTransaction(async () => {
          await transaction.query('UPDATE thing:z SET w = 1');
          [seen] = await transaction.query('SELECT VALUE v FROM ONLY thing:x');
          undo();
          await transaction.query('THROW "no"');
        })
        .catch(() => {});
      return seen;
    },
  ],
  [
    'a savepoint',
    'abort',
    async (transaction, undo) => {
      const savepoint = await transaction.savepoint();
      const seen = await readX(transaction);
      undo();
      await savepoint.rollback();
      return seen;
    },
  ],
  [
    'a call that fails alone',
    'savepoint',
    async (transaction, undo) => {
      undo();
      const [read] = await transaction
        .query<[string]>('SELECT VALUE v FROM ONLY thing:x; CREATE thing:taken')
        .responses();
      return read?.success === true ? read.result : undefined;
    },
  ],
];

/** Before which begins of the server's transactions others change x, and back. */
const moments: readonly (readonly [string, (begin: number) => Promise<unknown> | undefined])[] = [
  ['before the first begin', (begin) => (begin === 1 ? change() : begin === 2 ? changeBack() : undefined)],
  ['before the second begin', (begin) => (begin === 2 ? change() : begin === 3 ? changeBack() : undefined)],
];

describe.each(moments)('a record that is changed %s of a rollback, and back before the next', (_when, meanwhile) => {
  test.each(programs)(
    'is the same behind it, or the rollback is refused: %s',
    async (_what, onStatementError, program) => {
      const front = await own.listen();
      const pool = await own.connect(front, { maxConnections: 4 });
      let begins: number | undefined;
      front.onRequest = async ({ method }): Promise<Fault> => {
        if (method === 'begin' && begins !== undefined) await meanwhile(++begins);
        return 'pass';
      };
      const seen: { x?: unknown; xAgain?: unknown } = {};
      const work = pool.withTransaction(
        async (transaction) => {
          seen.x = await program(transaction, () => {
            begins = 0;
          });
          begins = undefined;
          seen.xAgain = await readX(transaction);
        },
        { retry: false, onStatementError },
      );
      const [result] = await Promise.allSettled([work]);
      // A rollback that is refused leaves nothing to believe.
      if (result.status === 'rejected')
        expect(String(result.reason)).toMatch(/^(SavepointDiverged|TransactionAborted)Error/);
      else expect(seen).toEqual({ x: 'A', xAgain: 'A' });
    },
  );
});

test('a record that others change all the time makes the rollback fail, and another attempt may help', async () => {
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 4 });
  let changes: number | undefined;
  front.onRequest = async ({ method }): Promise<Fault> => {
    if (method === 'begin' && changes !== undefined) {
      const v = ++changes;
      // Two may be begun at once: the first has to be open before the record changes for the other.
      await setTimeout(v % 2 === 0 ? 50 : 0);
      await own.engine.query(`UPDATE thing:x SET v = ${v}`, place);
    }
    return 'pass';
  };
  const attempts: number[] = [];
  await pool.withTransaction(async (transaction, attempt) => {
    attempts.push(attempt);
    await readX(transaction);
    changes = attempt < 3 ? 0 : undefined;
    await transaction
      .withSavepoint(async () => {
        await transaction.query('UPDATE thing:z SET w = 1');
        throw new Error('undone');
      })
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.message === 'undone')) throw error;
      });
  });
  expect(attempts).toEqual([1, 2, 3]);
});
