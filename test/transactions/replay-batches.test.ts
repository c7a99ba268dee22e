import { inspect } from 'node:util';
import { createNodeEngines } from '@surrealdb/node';
import fc from 'fast-check';
import { BoundQuery, RecordId, Surreal, type SurrealTransaction, Table } from 'surrealdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alignReplies, type ReplayedCall, replayBatches } from '../../src/transactions/replay-batches.js';
import { bytesOf } from '../support/values.js';

const call = (text: string, bindings: Record<string, unknown> = {}, replies = 1): ReplayedCall => ({
  text,
  bindings,
  replies,
  bytes: text.length,
});
const sizes = (calls: ReplayedCall[]): number[] => replayBatches(calls).map((batch) => batch.calls.length);

describe('calls to be replayed are put together', () => {
  test('with their texts as they were, and their parameters set before each', () => {
    const [batch] = replayBatches([
      call('CREATE a:1 SET v = $v -- done', { v: 1, w: 2 }),
      call('UPDATE $bind__7', { bind__7: new RecordId('a', 1) }),
      call('RETURN $v', { v: 3 }),
    ]);
    expect(batch?.query.query).toBe(
      'LET $v = $r0_v;LET $w = $r0_w;CREATE a:1 SET v = $v -- done\n;\nUPDATE $bind__7\n;\nLET $v = $r2_v;RETURN $v',
    );
    expect(Object.keys(batch?.query.bindings ?? {})).toEqual(['r0_v', 'r0_w', 'bind__7', 'r2_v']);
  });

  test('64 at most, and 16 KiB at most', () => {
    expect(sizes(Array.from({ length: 150 }, () => call('RETURN 1')))).toEqual([64, 64, 22]);
    const large = call(`RETURN "${'x'.repeat(6000)}"`);
    expect(sizes([large, large, large, large, large])).toEqual([2, 2, 1]);
    expect(sizes([call(`RETURN "${'x'.repeat(60_000)}"`), large])).toEqual([1, 1]);
  });

  test('none behind a text that sets variables, or before one that means another variable than theirs', () => {
    const plain = call('RETURN 1');
    expect(sizes([plain, call('LET $x = 1; RETURN $x'), plain, plain])).toEqual([2, 2]);
    expect(sizes([plain, call('RETURN "LET"'), plain])).toEqual([3]);
    expect(sizes([call('RETURN $v', { v: 1 }), call('RETURN $v'), plain])).toEqual([1, 2]);
    expect(sizes([plain, call('RETURN $this', { this: 1 }), plain])).toEqual([1, 1, 1]);
    expect(sizes([plain, call('RETURN $r0_v', { r0_v: 1 }), plain])).toEqual([1, 1, 1]);
    expect(sizes([])).toEqual([]);
  });
});

describe('on a server', () => {
  const db = new Surreal({ engines: createNodeEngines() });
  beforeAll(async () => {
    await db.connect('mem://');
    await db.use({ namespace: 'test', database: 'test' });
    await db.query('DEFINE TABLE a; CREATE a:1 SET v = 1; CREATE a:2 SET v = 2').collect();
    await db.set('w', 'of the session');
  });
  afterAll(() => db.close());

  async function replies(transaction: SurrealTransaction, query: BoundQuery) {
    const responses = await transaction.query(query).responses();
    return responses.map((response) => (response.success ? ['OK', response.result] : ['ERR', response.error.message]));
  }

  const bound = fc.constantFrom<unknown>(
    1,
    'text',
    undefined,
    null,
    new RecordId('a', 1),
    new Table('a'),
    [1, { x: undefined }],
    new Set([1]),
    1.5,
    12n,
  );
  const texts = fc.constantFrom(
    'RETURN $v',
    'RETURN [$v, $w]',
    'RETURN $w -- the end',
    'RETURN $w // the end',
    'RETURN 1; RETURN $v; RETURN 2',
    'RETURN $v; # the end',
    'RETURN $v /* the end */',
    ';;RETURN 3;;',
    '',
    '-- nothing',
    'LET $v = 5; RETURN $v',
    'LET $w = $v; RETURN [$v, $w]',
    'FOR $v IN [1, 2] { UPDATE a:1 SET v = $v }; SELECT * FROM a:1',
    'RETURN { LET $v = 1; RETURN $v }',
    'CREATE a:1',
    'CREATE a:3 SET v = $v',
    'THROW $v',
    'BREAK',
    'RETURN 1; THROW "no"; RETURN 2',
    'SELECT * FROM a WHERE v = $v',
    'SELECT * FROM $v',
    'UPDATE a SET v = $v RETURN BEFORE',
    'DELETE a:3 RETURN BEFORE',
    'IF $v = 1 { RETURN "one" } ELSE { RETURN "more" }',
  );
  const calls = fc.array(
    fc.tuple(texts, fc.option(bound, { nil: 'none' }), fc.boolean()).map(([text, value, given]) => ({
      text,
      bindings: given ? { v: value } : {},
    })),
    { minLength: 1, maxLength: 12 },
  );

  test('batches give the replies that the calls gave one by one, also behind comments and failures', async () => {
    const seen = { merged: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(calls, async (all) => {
        const alone = await db.beginTransaction();
        const expected: unknown[][] = [];
        for (const { text, bindings } of all) {
          expected.push(await replies(alone, new BoundQuery(text, bindings)));
        }
        await alone.cancel();

        const batches = replayBatches(
          all.map((each, index) => ({ ...each, replies: expected[index]?.length ?? 0, bytes: each.text.length })),
        );
        const together = await db.beginTransaction();
        const found: unknown[][] = [];
        for (const batch of batches) {
          if (batch.calls.length > 1) seen.merged++;
          const aligned = alignReplies(batch, await replies(together, batch.query));
          expect(aligned, inspect(all)).toBeDefined();
          found.push(...(aligned ?? []));
        }
        await together.cancel();
        if (expected.flat().some((reply) => (reply as unknown[])[0] === 'ERR')) seen.failed++;
        expect(found.map(bytesOf), inspect(all)).toEqual(expected.map(bytesOf));
      }),
      { numRuns: 400 },
    );
    expect(Math.min(seen.merged, seen.failed)).toBeGreaterThan(100);
  });

  test('replies that are not as many as there must be belong to nobody', () => {
    const [batch] = replayBatches([call('RETURN 1'), call('RETURN 2')]);
    if (batch === undefined) throw new Error('no batch');
    expect(alignReplies(batch, [1, 2])).toEqual([[1], [2]]);
    expect(alignReplies(batch, [1])).toBeUndefined();
    expect(alignReplies(batch, [1, 2, 3])).toBeUndefined();
  });
});
