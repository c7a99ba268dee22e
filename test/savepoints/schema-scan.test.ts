import { beforeEach, describe, expect, test } from 'vitest';
import { newRecording } from '../../src/calls/call.js';
import type { EncodedValue } from '../../src/savepoints/encoded-value.js';
import { answersOf } from '../../src/savepoints/logged-call.js';
import { SchemaScan } from '../../src/savepoints/schema-scan.js';
import { type RecordedSession, recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const open = recordedSessions(surroundings());
let session: RecordedSession;

beforeEach(async () => {
  session = await open('embedded');
  await session.send('DEFINE TABLE thing; DEFINE FIELD double ON thing COMPUTED n * 2; DEFINE TABLE `a \\`b`');
});

async function ask(text: string): Promise<readonly EncodedValue[]> {
  const recording = newRecording();
  await session.send(text, {}, undefined, recording);
  return answersOf(recording);
}

/** Scans as a rollback does: `meanwhile` happens between the look at the tables and that at all that they hold. */
async function scanned(scan: SchemaScan, meanwhile = ''): Promise<boolean> {
  const statements = await scan.statements('place', ask);
  if (statements === undefined) throw new Error('there was nothing to scan');
  if (meanwhile !== '') await session.send(meanwhile);
  return scan.readsOnlyRead('place', await ask(statements.join(';')));
}

const writes = '{ CREATE log:1; RETURN true }';

describe('a scan of the schema', () => {
  test('finds that reads only read, where all that they evaluate only reads', async () => {
    await session.send(`DEFINE TABLE seen PERMISSIONS FOR select WHERE n = $auth.n;
      DEFINE FIELD n ON seen PERMISSIONS FOR select WHERE n > 1; DEFINE FIELD at ON seen VALUE time::now();
      DEFINE FIELD random ON seen COMPUTED rand()`);
    expect(await scanned(new SchemaScan())).toBe(true);
  });

  test.each([
    ['a computed field', `DEFINE FIELD hit ON thing COMPUTED ${writes}`],
    ['a field that calls a function', 'DEFINE FIELD hit ON thing COMPUTED fn::any()'],
    ['the permission for a table', `DEFINE TABLE secret PERMISSIONS FOR select WHERE ${writes}`],
    ['the permission for a field', `DEFINE FIELD hidden ON thing PERMISSIONS FOR select WHERE ${writes}`],
  ])('finds that reads may write by %s', async (_, definition) => {
    await session.send(definition);
    expect(await scanned(new SchemaScan())).toBe(false);
  });

  test('vouches for nothing when a table was defined or removed meanwhile, and knows it the next time', async () => {
    const scan = new SchemaScan();
    expect(await scanned(scan, 'DEFINE TABLE more')).toBe(false);
    expect(await scanned(scan)).toBe(true);
    expect(await scanned(scan, 'REMOVE TABLE more')).toBe(false);
    expect(await scanned(scan)).toBe(true);
    expect(
      await scanned(scan, `REMOVE TABLE thing; DEFINE TABLE other; DEFINE FIELD hit ON other COMPUTED ${writes}`),
    ).toBe(false);
    expect(await scanned(scan)).toBe(false);
  });

  test('is not made of more than 100 tables', async () => {
    await session.send(Array.from({ length: 99 }, (_, index) => `DEFINE TABLE t${index}`).join(';'));
    expect(await new SchemaScan().statements('place', ask)).toBeUndefined();
    await session.send('REMOVE TABLE t0');
    expect(await new SchemaScan().statements('place', ask)).toHaveLength(101);
  });

  test('is not made where the tables cannot be looked at', async () => {
    const scan = new SchemaScan();
    const refused = (): Promise<readonly EncodedValue[]> => ask("THROW 'you may not'");
    expect(await scan.statements('place', refused)).toBeUndefined();
    // It does not ask each time.
    expect(await scan.statements('place', ask)).toBeUndefined();
    expect(await scan.statements('another place', ask)).toBeDefined();
  });
});
