import { describe, expect, test } from 'vitest';
import type { ConnectionManager, Transaction } from '../../src/index.js';
import { answersTo, RandomWrites, type Read, reads, rows, schema } from '../support/own-write-reads.js';
import { between, type Random, seededRandom, shuffled } from '../support/seeded-random.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const seed = Number(process.env.OWN_WRITES_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const programs = 12;

/** Where the pool has its database. */
const places: readonly [string, () => Promise<string>][] = [
  ['over sockets', async () => (await own.listen()).url],
  ['embedded', async () => rocksdbUrl()],
];

/** What a savepoint cannot be made after, because the pool does not know whether it would answer the same again. */
const notReplayable = new Set([
  'no index',
  'full text',
  'full text with score and highlight',
  'recursion as a tree',
  'references of one field',
  'whether a changed record exists',
  'a closure',
  'a function',
  'the nearest',
  'records of a table by its name',
]);
const replayable = reads.filter(({ name }) => !notReplayable.has(name));

/** Random writes in calls of one to three statements, with some of these reads before each. */
async function write(transaction: Transaction, random: Random, meanwhile: readonly Read[]): Promise<void> {
  const writes = new RandomWrites(random);
  const count = between(random, 1, 12);
  for (let written = 0; written < count; ) {
    // What was read is kept by the server: it must not be what is read after the next write.
    await answersTo(shuffled(random, meanwhile).slice(0, 4), transaction);
    const texts = Array.from({ length: between(random, 1, 3) }, () => writes.next());
    const answers = await transaction.query(texts.join(';\n')).collect();
    expect(answers, texts.join('; ')).toHaveLength(texts.length);
    written += texts.length;
  }
}

/** What a transaction reads after its random writes; `undone` after more of them were taken back to a savepoint. */
async function readInside(pool: ConnectionManager, random: Random, asked: readonly Read[], undone: boolean) {
  // Drawn once: a work that is begun anew after a conflict does the same again.
  const writing = between(random, 0, 2 ** 31);
  return pool.withTransaction(async (transaction) => {
    await write(transaction, seededRandom(writing), undone ? replayable : reads);
    if (undone) {
      const savepoint = await transaction.savepoint();
      await transaction.query(
        "UPDATE person SET v = 99, name = 'undone'; DELETE knows; UPDATE post:1 SET author = NONE",
      );
      await savepoint.rollback();
    }
    return answersTo(asked, transaction);
  });
}

describe(`reads of every kind inside a transaction, seed ${seed}`, () => {
  test.each(places)('answer what they answer after its commit: %s', async (_, url) => {
    const pool = await own.pool(await url(), { maxConnections: 2 });
    for (let program = 0; program < programs; program++) {
      const random = seededRandom(seed + program);
      for (const text of [...schema, ...rows]) await pool.query(text).collect();
      const asked = shuffled(random, reads);
      const inside = await readInside(pool, random, asked, program % 4 === 3);
      const after = await answersTo(asked, pool);
      expect(inside, `program ${program}`).toEqual(after);
    }
  });
});
