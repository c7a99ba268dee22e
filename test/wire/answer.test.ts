import fc from 'fast-check';
import { type QueryChunk, RpcEngine, type RpcQueryResult } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { answerOf, millisecondsOf } from '../../src/wire/answer.js';

/** What the SDK's engines make of a reply. */
async function chunksOf(results: readonly RpcQueryResult[]): Promise<QueryChunk<unknown>[]> {
  const engine = { send: async () => results };
  const chunks: QueryChunk<unknown>[] = [];
  const query = { query: '', bindings: {} };
  for await (const chunk of RpcEngine.prototype.query.call(engine, query as never, undefined)) chunks.push(chunk);
  return chunks;
}

const time = fc
  .tuple(fc.nat(), fc.nat({ max: 999_999 }), fc.constantFrom('ns', 'µs', 'us', 'ms', 's', 'm', 'h'))
  .map(([whole, part, unit]) => `${whole}.${part}${unit}`);
const details = fc.option(
  fc.record(
    {
      kind: fc.constantFrom('Internal', 'Query', 'NotAllowed', 'x'),
      details: fc.constantFrom(null, { name: 'b' }, 'text', undefined),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);
const kind = fc.constantFrom(
  undefined,
  '',
  'Internal',
  'Query',
  'NotAllowed',
  'NotFound',
  'Thrown',
  'Validation',
  'new',
);
const cause = fc.constantFrom(undefined, null, { message: 'inner', kind: 'Query', cause: { message: 'innermost' } });

const result = fc.oneof(
  fc.record({
    status: fc.constant('OK' as const),
    time,
    type: fc.constantFrom('other', 'live', 'kill'),
    result: fc.oneof(fc.array(fc.nat()), fc.nat(), fc.constant(null), fc.constant(undefined), fc.object()),
  }),
  fc.record({ status: fc.constant('ERR' as const), time, result: fc.string(), kind, details, cause }),
);

describe('an answer', () => {
  test('is what the SDK makes of the same reply: results, durations, errors with their kinds and causes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(result), async (results) => {
        const expected = await chunksOf(results as unknown as RpcQueryResult[]);
        const answer = answerOf(results as unknown as RpcQueryResult[]);
        const comparable = ({ error, stats, time: _, ...rest }: QueryChunk<unknown> & { time?: string }): unknown => {
          const causes: unknown[] = [];
          for (let each: Error | undefined = error; each !== undefined; each = each.cause as Error | undefined) {
            causes.push([each.constructor, each.message, { ...each }]);
          }
          return { ...rest, causes, stats: { ...stats, duration: String(stats?.duration) } };
        };
        expect(answer.map(comparable)).toEqual(expected.map(comparable));
      }),
      { numRuns: 500 },
    );
  });
});

test.each([
  ['5ns', 5e-6],
  ['12.5µs', 0.0125],
  ['12.5us', 0.0125],
  ['1.25ms', 1.25],
  ['2s', 2_000],
  ['1.5m', 90_000],
  ['1h', 3_600_000],
])('a time of %s is %d ms', (text, milliseconds) => {
  expect(millisecondsOf(text)).toBeCloseTo(milliseconds, 9);
});
