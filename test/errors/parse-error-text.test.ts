import { inspect } from 'node:util';
import { ServerError } from 'surrealdb';
import { expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

async function failureOf(work: PromiseLike<unknown>): Promise<Error> {
  return await Promise.resolve(work).then(
    () => expect.unreachable(),
    (error: Error) => error,
  );
}

test.each([
  `DEFINE USER a ON DATABASE PASSWORD 'p4ssw0rd' ROLES NONE_SUCH`,
  `DEFINE USER a ON DATABASE PASSWORD "it's p4ssw0rd" ROLES NONE_SUCH`,
  `DEFINE USER a ON DATABASE PASSWORD -- it's\n 'p4ssw0rd' ROLES NONE_SUCH`,
  `DEFINE USER a ON DATABASE PASSWORD "of two\nlines p4ssw0rd" ROLES NONE_SUCH`,
  `DEFINE USER a ON DATABASE PASSWORD 'p4ssw0rd never closed`,
  `DEFINE USER a ON DATABASE /* p4ssw0rd */ PASSWORD 'x' ROLES NONE_SUCH`,
  `DEFINE USER a ON DATABASE COMMENT '${'x'.repeat(300)}p4ssw0rd' PASSWORD 'p4ssw0rd' ROLES NONE_SUCH`,
  `SELECT * FROM a b c -- p4ssw0rd`,
])('the error of a text that a server cannot read shows where, and no text of it: %j', async (text) => {
  const pool = await own.pool('mem://');
  for (const failure of [await failureOf(pool.query(text)), await failureOf(pool.import(text))]) {
    expect(failure.message).toMatch(/^Parse error: .*\n --> |failed: Parse error: .*\n --> /);
    expect(`${failure.message}${failure.stack}${inspect(failure)}${JSON.stringify(failure)}`).not.toContain('p4ss');
  }
});

test('what is not in quotes is shown, in its column', async () => {
  const pool = await own.pool('mem://');
  const failure = await failureOf(pool.query(`CREATE a SET b = 'ä text' FRMO c`));
  expect(failure).toBeInstanceOf(ServerError);
  const [line = '', below = ''] = failure.message.trimEnd().split('\n').slice(-2);
  expect(line).toContain("CREATE a SET b = '· ····' FRMO c");
  expect(line.slice(below.indexOf('^'))).toMatch(/^FRMO/);
});
