import { RecordId } from 'surrealdb';
import { beforeEach, describe, expect, test } from 'vitest';
import { looksAt } from '../../src/savepoints/looks.js';
import { Rerun } from '../../src/savepoints/rerun.js';
import { noMending } from '../../src/surrealql/mended-text.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const open = recordedSessions(surroundings());
let session: RecordedSession;

beforeEach(async () => {
  session = await open('embedded');
  await session.send("DEFINE TABLE thing; CREATE thing:1 SET n = 1, text = 'one'; CREATE thing:2 SET n = 2");
});

/** The looks at what a call that writes was made from. The call itself is undone. */
async function looksOf(text: string, bindings: Record<string, unknown>) {
  const transaction = await session.begin();
  const call = await session.call(text, bindings, transaction);
  await session.cancel(transaction);
  return looksAt([call]);
}

const records = 'SELECT * FROM $records';
const one = new RecordId('thing', 1);

describe('what an undone write was made from is looked at:', () => {
  test.each<[string, string, Record<string, unknown>, readonly string[]]>([
    ['the record it writes', 'UPDATE thing:1 SET n = 5', {}, [records]],
    ['the record a parameter names', 'UPDATE $it SET n = 5', { it: one }, [records]],
    ['what it reads beside', 'SELECT n FROM thing; CREATE thing:3', {}, ['SELECT n FROM thing', records]],
    ['what it reads by a parameter', 'SELECT n FROM $it; CREATE thing:3', { it: one }, ['SELECT n FROM $it', records]],
    ['an expression', 'RETURN thing:1.n; CREATE thing:3', {}, ['RETURN thing:1.n', records]],
    ['no expression with a parameter, which fails in a block', 'RETURN $it.n; CREATE thing:3', { it: one }, [records]],
    ['nothing random', 'SELECT rand() FROM thing; CREATE thing:3', {}, [records]],
    ['no variable of its own', 'LET $x = 1; CREATE thing:3', {}, [records]],
    [
      'nothing by a name that the server gives a meaning',
      'SELECT n FROM thing; CREATE thing:3',
      { value: 1 },
      [records],
    ],
    ['nothing in a read', 'RETURN 1', {}, ['RETURN 1']],
  ])('%s', async (_, text, bindings, expected) => {
    expect((await looksOf(text, bindings)).map((look) => look.text)).toEqual(expected);
  });

  test('and answered as it is by itself', async () => {
    const looks = [
      ...(await looksOf('SELECT VALUE n FROM thing WHERE n > $n; CREATE thing:3', { n: 1 })),
      ...(await looksOf('SELECT VALUE text FROM thing:1; UPDATE $it SET n = 5', { it: one })),
      ...(await looksOf("RETURN thing:2.n; RETURN 'text'; DELETE thing:2", {})),
    ];
    const transaction = await session.begin();
    const answers = await new Rerun(session.target(transaction, noMending), []).look(looks);
    await session.cancel(transaction);
    expect(answers.map((answer) => answer.get('status')?.text)).toEqual(looks.map(() => 'OK'));
    const rows = answers.map((answer) => answer.get('result')?.decode());
    expect(rows).toEqual([
      [2],
      [],
      ['one'],
      [{ id: one, n: 1, text: 'one' }],
      2,
      'text',
      [{ id: new RecordId('thing', 2), n: 2 }],
    ]);
  });
});
