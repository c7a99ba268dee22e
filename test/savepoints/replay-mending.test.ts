import { describe, expect, test } from 'vitest';
import type { LoggedCall } from '../../src/savepoints/logged-call.js';
import { type CallDifference, Rerun } from '../../src/savepoints/rerun.js';
import { mendingOf } from '../../src/surrealql/mended-text.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

// A server that hides what a transaction has written, and loses the order of rows, would do so in a replay as well.

const open = recordedSessions(surroundings());
const mending = mendingOf({ hidesOwnWrites: true, losesOrder: true }, { namespace: 'test', database: 'test' });

async function history(session: RecordedSession, texts: readonly string[]): Promise<LoggedCall[]> {
  const transaction = await session.begin();
  const calls: LoggedCall[] = [];
  for (const text of texts) calls.push(await session.call(text, {}, transaction, mending));
  await session.cancel(transaction);
  return calls;
}

async function again(session: RecordedSession, calls: readonly LoggedCall[]): Promise<CallDifference | undefined> {
  const transaction = await session.begin();
  try {
    return await new Rerun(session.target(transaction, mending), []).run(calls);
  } finally {
    await session.cancel(transaction);
  }
}

/** The rows that the last statement of the last call has read. */
function lastRows(calls: readonly LoggedCall[]): unknown[] {
  const result = calls.at(-1)?.answers().at(-1)?.get('result');
  return (result?.items() ?? []).map((row) => row.decode());
}

const read = 'SELECT VALUE n FROM thing WHERE id = thing:x';

describe.each(['embedded', 'socket'] as const)('a replay reads what it has written (%s)', (kind) => {
  test.each([
    ['by calls that share a message', ['CREATE thing:x SET n = 1', 'UPDATE thing:x SET n = 2', read]],
    ['by a call that goes alone', ['CREATE thing:x SET n = 1; UPDATE thing:x SET n = 2', read]],
    ['by a call that goes alone and reads it itself', [`CREATE thing:x SET n = 2; ${read}`]],
    ['by a call that may be cut in several ways', ['IF true THEN CREATE thing:x SET n = 2; END', read]],
    ['by a call that fails behind it', ['CREATE thing:x SET n = 2; THROW "no"', read]],
    ['and a call alone reads what calls that shared a message have', ['CREATE thing:x SET n = 2', `RETURN 1; ${read}`]],
  ])('%s', async (_, texts) => {
    const session = await open(kind);
    await session.send('REMOVE TABLE IF EXISTS thing; DEFINE TABLE thing');
    const calls = await history(session, texts);
    expect(lastRows(calls)).toEqual([2]);
    expect(await again(session, calls)).toBeUndefined();
  });
});

describe.each(['embedded', 'socket'] as const)('a replay orders rows before it cuts them off (%s)', (kind) => {
  const read = 'SELECT VALUE n FROM thing ORDER BY n DESC LIMIT 1';
  test.each([
    ['in a call that shares a message', [read]],
    ['in a call that goes alone', [`RETURN 1; ${read}`]],
    ['in a call behind others', ['UPDATE thing:1 SET m = 1', `RETURN 1; RETURN 2`, read]],
  ])('%s', async (_, texts) => {
    const session = await open(kind);
    await session.send('REMOVE TABLE IF EXISTS thing; DEFINE TABLE thing; FOR $i IN 1..9 { CREATE thing SET n = $i; }');
    await session.send('UPSERT thing:1 SET n = 5');
    const calls = await history(session, texts);
    expect(lastRows(calls)).toEqual([8]);
    expect(await again(session, calls)).toBeUndefined();
  });
});
