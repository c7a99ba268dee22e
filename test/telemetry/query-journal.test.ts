import { describe, expect, test } from 'vitest';
import { Emitter } from '../../src/pool/emitter.js';
import type { PoolEvents } from '../../src/pool/events.js';
import { operationName } from '../../src/telemetry/operation-name.js';
import { QueryJournal } from '../../src/telemetry/query-journal.js';
import { VirtualClock } from '../support/virtual-clock.js';

function journal() {
  const clock = new VirtualClock();
  const events = new Emitter<PoolEvents>();
  const label = { id: 1, name: 'test', serverAddress: undefined, serverPort: undefined };
  const queries = new QueryJournal(label, events, clock);
  const query = async (text: string, duration: number, error?: unknown): Promise<void> => {
    const began = queries.begin();
    await clock.advance(duration);
    queries.ended(7, text, began, error);
  };
  return { queries, events, query };
}

describe('a query journal', () => {
  test('counts queries, those that failed, and how long each took', async () => {
    const { queries, query } = journal();
    await query('SELECT * FROM person', 4);
    await query('SELECT * FROM person', 6, new TypeError('no'));
    expect(queries.statistics()).toMatchObject({
      queries: 2,
      queriesFailed: 1,
      queryTime: { count: 2, mean: 5, max: 6 },
    });
  });

  test('keeps queries apart by what they do and how they failed, in seconds', async () => {
    const { queries, query } = journal();
    await query('SELECT 1', 1);
    await query('SELECT 2', 70);
    await query('CREATE a', 20_000, new RangeError('no'));
    expect(queries.kinds).toEqual([
      {
        ...{ operation: 'SELECT', error: undefined },
        durations: { counts: [1, 0, 0, 0, 1, 0, 0, 0, 0, 0], sum: 0.071, count: 2 },
      },
      {
        ...{ operation: 'CREATE', error: 'RangeError' },
        durations: { counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1], sum: 20, count: 1 },
      },
    ]);
  });

  test('has few kinds for any number of names of errors', async () => {
    const { queries, query } = journal();
    for (let index = 0; index < 200; index++) {
      await query('SELECT 1', 1, Object.assign(new Error('no'), { name: `E${index}` }));
    }
    expect(queries.kinds.length).toBeLessThanOrEqual(41);
    expect(queries.kinds.reduce((sum, { durations }) => sum + durations.count, 0)).toBe(200);
  });

  test('takes no text of a program for the name of an error', async () => {
    const { queries, query } = journal();
    const named = (name: unknown) => Object.assign(new Error('no'), { name });
    for (const error of ['thrown', named('card 4711'), named(''), named(undefined)]) await query('SELECT 1', 1, error);
    expect(queries.kinds.map(({ error }) => error)).toEqual(['_OTHER']);
  });

  test('tells listeners of each query', async () => {
    const { events, query } = journal();
    const told: unknown[] = [];
    const stop = events.subscribe('answered', (event) => told.push(event));
    const error = new Error('no');
    await query('  update a', 3, error);
    await Promise.resolve();
    stop();
    await query('SELECT 1', 1);
    await Promise.resolve();
    expect(told).toEqual([{ connection: 7, operation: 'UPDATE', duration: 3, error }]);
  });
});

test.each([
  ['select * from person', 'SELECT'],
  ['\n\t RETURN 1', 'RETURN'],
  ['-- a comment\nSELECT 1', 'OTHER'],
  ['(SELECT 1)', 'OTHER'],
  ['$secret', 'OTHER'],
  ['hunter2 is my password', 'OTHER'],
  ['', 'OTHER'],
])('the operation of %j is %s', (text, operation) => {
  expect(operationName(text)).toBe(operation);
});
