import { describe, expect, test } from 'vitest';
import { Call, newRecording } from '../../src/calls/call.js';
import { mended } from '../../src/calls/mended-calls.js';
import { pipeline } from '../../src/calls/pipeline.js';
import { answersOf } from '../../src/savepoints/logged-call.js';
import type { Connection } from '../../src/session/connection.js';
import { emptyCache, type Mending, mendingOf, noMending } from '../../src/surrealql/mended-text.js';
import type { Answer } from '../../src/wire/answer.js';
import { recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const open = recordedSessions(surroundings());
const mending = mendingOf({ hidesOwnWrites: true, losesOrder: true }, { namespace: 'test', database: 'test' });

/** A transaction whose calls are mended, and what is sent in it. */
async function prepared(added: Mending = mending) {
  const session = await open('embedded');
  await session.send('DEFINE TABLE a; CREATE a:1 SET v = 1; CREATE a:2 SET v = 2');
  const transaction = await session.begin();
  const { transport, id } = session;
  const connection = { transport, session: id, liveQueryBegan() {} } as unknown as Connection;
  const sent: string[] = [];
  let refusals = 0;
  const layer = mended(
    () => added,
    () => refusals++,
  );
  const ask = pipeline([layer], (call: Call) => {
    sent.push(call.details.sentText ?? call.text);
    return call.send(connection);
  });
  return {
    session,
    sent,
    refusals: () => refusals,
    ask: (text: string, bindings = {}, recording = newRecording()): Promise<Answer> =>
      ask(new Call({ text, bindings, transaction, recording })),
    value: async (text: string): Promise<unknown> => (await session.send(text, {}, transaction)).at(-1)?.result?.[0],
  };
}

describe('a call that is mended', () => {
  test('answers as its own text alone, each statement by its own number', async () => {
    const { ask, sent } = await prepared();
    const answer = await ask('UPDATE a:1 SET v = $v; RETURN 5; THROW "no"; DELETE a:2', { v: 7 });
    expect(answer.map(({ query }) => query)).toEqual([0, 1, 2, 3]);
    expect(answer.map(({ error }) => error === undefined)).toEqual([true, true, false, true]);
    expect(answer[1]?.result).toEqual([5]);
    expect(answer[2]?.error?.message).toContain('no');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.split(emptyCache)).toHaveLength(3);
  });

  test('sees what it has written', async () => {
    const { ask } = await prepared();
    await ask('UPDATE a:1 SET v = 7');
    const [found] = await ask('SELECT VALUE v FROM a:1 WHERE id = a:1');
    expect(found?.result).toEqual([7]);
    const [both, after] = await ask('UPDATE a:2 SET v = 8 RETURN NONE; SELECT VALUE v FROM a:2 WHERE id = a:2');
    expect([both?.error, after?.result]).toEqual([undefined, [8]]);
  });

  test('is sent as it is where nothing has to be mended', async () => {
    const { ask, sent } = await prepared(noMending);
    await ask('UPDATE a:1 SET v = 7');
    expect(sent).toEqual(['UPDATE a:1 SET v = 7']);
    const other = await prepared({ ...mending, use: undefined });
    await other.ask('SELECT * FROM a');
    expect(other.sent).toEqual(['SELECT * FROM a']);
  });

  test('shows its own text in a parse error, and has done nothing', async () => {
    const { ask, sent, value } = await prepared();
    const refused = await ask('DELETE a:1; this cannot be read').catch((error: Error) => error);
    expect(refused).toMatchObject({ message: expect.stringContaining('1 | DELETE a:1; this cannot be read') });
    expect(String(refused)).not.toContain('ACCESS');
    expect(sent.at(-1)).toBe('DELETE a:1; this cannot be read');
    expect(await value('RETURN count(SELECT * FROM a)')).toBe(2);
  });

  test('runs by itself when only what was added could not be read, and is mended behind it', async () => {
    const { ask, sent, value } = await prepared({ emptiesCache: true, use: 'NO SUCH STATEMENT' });
    const recording = newRecording();
    const [answer] = await ask('UPDATE a:1 SET v = 9 RETURN VALUE v', {}, recording);
    expect(answer?.result).toEqual([9]);
    expect(sent.slice(1)).toEqual(['UPDATE a:1 SET v = 9 RETURN VALUE v', emptyCache]);
    expect(await value('SELECT VALUE v FROM a:1 WHERE id = a:1')).toBe(9);
    expect(recording.added, 'what is recorded is what was answered').toEqual(new Set());
    const recorded = answersOf(recording);
    expect(recorded.map((one) => one.get('result')?.decode())).toEqual([[9]]);
  });

  test('tells when its user may not have the cache emptied, and not when the caller may not do something', async () => {
    const { session, ask, refusals } = await prepared();
    await ask('UPDATE a:1 SET v = 1');
    expect(refusals()).toBe(0);
    await session.send(
      `DEFINE TABLE OVERWRITE a PERMISSIONS FULL;
       DEFINE ACCESS OVERWRITE account ON DATABASE TYPE RECORD SIGNUP (CREATE user) SIGNIN (SELECT * FROM user)`,
    );
    await session.transport.signup(
      { namespace: 'test', database: 'test', access: 'account', variables: {} },
      session.id,
    );
    const [updated] = await ask('UPDATE a:1 SET v = 2');
    expect(updated?.error).toBeUndefined();
    expect(refusals()).toBe(1);
    await ask('SELECT * FROM a');
    expect(refusals()).toBe(1);
  });
});
