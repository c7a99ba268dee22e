import { setTimeout as sleep } from 'node:timers/promises';
import { type QueryResponse, ServerError, type SurrealQueryable } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// What the statements of a failed BEGIN … COMMIT block say: the server tells why in the answer of one of them only.

const own = surroundings(rocksdbUrl());
let pool: ConnectionManager;

beforeEach(async () => {
  await own.engine.query(
    `REMOVE TABLE IF EXISTS tag;
     DEFINE TABLE tag;
     DEFINE INDEX only ON tag FIELDS name UNIQUE;
     DEFINE FIELD size ON tag TYPE option<int> ASSERT $value < 5;
     CREATE tag:0 SET name = 'taken';
     CREATE thing:0 SET v = 0`,
    place,
  );
  pool = await own.connect(await own.listen(), { maxConnections: 2, retryPolicy: { maxAttempts: 1 } });
});

/** A statement that fails, what it fails with, and in which class of the SDK. */
const kinds: readonly (readonly [kind: string, statement: string, message: RegExp, name: RegExp])[] = [
  ['a THROW', 'THROW "no"', /no$/, /^ThrownError$/],
  ['a unique index', 'CREATE tag:1 SET name = "taken"', /`only` already contains 'taken'/, /^InternalError$/],
  ['a record that exists', 'CREATE tag:0', /`tag:0` already exists/, /^AlreadyExistsError$/],
  ['an ASSERT', 'CREATE tag:1 SET size = 9', /must conform to: \$value < 5/, /^InternalError$/],
  ['the type of a field', 'CREATE tag:1 SET size = "big"', /Couldn't coerce value for field `size`/, /^InternalError$/],
  ['a cast', 'CREATE thing:9 SET v = <int>"no"', /Could not cast into `int`/, /^(Internal|Validation)Error$/],
  ['a timeout', 'CREATE thing:9 SET v = sleep(200ms) TIMEOUT 5ms', /exceeded the timeout/, /^QueryError$/],
  [
    'a loop',
    'FOR $i IN [1, 2] { CREATE tag SET name = "twice" }',
    /`only` already contains 'twice'/,
    /^InternalError$/,
  ],
];

const before = 'The query was not executed due to a failed transaction';
const behind = 'The query was not executed due to a cancelled transaction';

const described = (name: RegExp, message: RegExp) => ({
  name: expect.stringMatching(name),
  message: expect.stringMatching(message),
});

/** The first error, as a caller gets it. */
async function failure(from: SurrealQueryable, text: string): Promise<ServerError> {
  const [result] = await Promise.allSettled([from.query(text).collect()]);
  if (result.status === 'fulfilled' || !(result.reason instanceof ServerError)) throw new Error(`no refusal: ${text}`);
  return result.reason;
}

function errorOf(response: QueryResponse | undefined): Error {
  if (response?.success !== false) throw new Error('a statement did not fail');
  return response.error;
}

describe('a statement that fails a block is named', () => {
  test.each(kinds)('to a caller of the pool: %s', async (_kind, statement, message, name) => {
    const error = await failure(pool, `BEGIN; CREATE thing:1; ${statement}; CREATE thing:2; COMMIT`);
    expect(error).toMatchObject({ name: 'QueryError', kind: 'Query', details: { kind: 'NotExecuted' } });
    expect(error.cause).toMatchObject({ ...described(name, message), outcome: 'refused' });
    expect(error.message).toBe(`${before}: ${(error.cause as Error).message}`);
  });

  test.each(kinds)('to a caller of a lease: %s', async (_kind, statement, message, name) => {
    await using connection = await pool.acquire();
    const error = await failure(connection, `BEGIN; CREATE thing:1; LET $x = 1; ${statement}; COMMIT`);
    expect(error.cause).toMatchObject(described(name, message));
    expect(error.message).toMatch(message);
  });

  test.each(kinds)('to every statement of it: %s', async (_kind, statement, message) => {
    const text = `BEGIN; CREATE thing:1; ${statement}; CREATE thing:2; COMMIT`;
    const [, first, failed, last, ...commit] = await pool.query(text).responses();
    const cause = errorOf(failed);
    expect(cause.message).toMatch(message);
    expect(cause.cause).toBeUndefined();
    expect(errorOf(first)).toMatchObject({ message: `${before}: ${cause.message}`, cause });
    expect(errorOf(last)).toMatchObject({ message: `${behind}: ${cause.message}`, cause });
    // Servers before 3.1 do not answer for a COMMIT that was not reached.
    for (const response of commit) expect(errorOf(response)).toMatchObject({ cause });
  });

  test.each(kinds)('as itself when it is the first: %s', async (_kind, statement, message, name) => {
    const error = await failure(pool, `BEGIN; ${statement}; CREATE thing:2; COMMIT`);
    expect(error).toMatchObject(described(name, message));
    expect(error.cause).toBeUndefined();
  });
});

describe('a block', () => {
  test('that conflicts at its commit names the conflict', async () => {
    const text = 'BEGIN; UPDATE thing:0 SET v += 1; CREATE thing:1; SLEEP 400ms; COMMIT';
    const asked = failure(pool, text);
    await sleep(100);
    await own.engine.query('UPDATE thing:0 SET v += 10', place);
    const error = await asked;
    // Before 3.1 each statement says so itself.
    const told = error.cause instanceof Error ? error.cause : error;
    expect(told.message).toContain('This transaction can be retried');
    expect(error.message).toContain('This transaction can be retried');
  });

  test('that its text cancels has no cause, whatever failed elsewhere in the text', async () => {
    const text = 'THROW "before"; BEGIN; CREATE thing:1; CREATE thing:2; CANCEL; THROW "behind"';
    const [, , one, two] = await pool.query(text).responses();
    for (const response of [one, two]) {
      expect(errorOf(response).message).toBe(behind);
      expect(errorOf(response).cause).toBeUndefined();
    }
  });

  test('that its text cancels after a failure names it', async () => {
    const [, one, , two] = await pool.query('BEGIN; CREATE thing:1; THROW "no"; CREATE thing:2; CANCEL').responses();
    for (const response of [one, two]) expect(errorOf(response).cause).toMatchObject({ name: 'ThrownError' });
  });

  test('names its own failure, not that of the block beside it, nor of a statement outside', async () => {
    const block = (word: string) => `BEGIN; CREATE thing:1; THROW "${word}"; CREATE thing:2; COMMIT`;
    const responses = await pool.query(`THROW "zero"; ${block('one')}; THROW "two"; ${block('three')}`).responses();
    const causes = responses.flatMap((response) => {
      const cause = response.success ? undefined : response.error.cause;
      return cause instanceof Error ? [cause.message.replace('An error occurred: ', '')] : [];
    });
    const half = causes.length / 2;
    expect([causes.slice(0, half), causes.slice(half)]).toEqual([
      Array.from({ length: half }, () => 'one'),
      Array.from({ length: half }, () => 'three'),
    ]);
    expect(half).toBeGreaterThanOrEqual(2);
  });
});
