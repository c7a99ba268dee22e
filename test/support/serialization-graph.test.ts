import { describe, expect, test } from 'vitest';
import { type Event, type History, type RecordedTransaction, Recorder, type Told } from './history.js';
import { type AnomalyKind, anomaliesOf } from './serialization-graph.js';

const write = (key: string, value: number): Event => ({ do: 'write', key, value });
const read = (key: string, ...values: number[]): Event => ({ do: 'read', key, values });
const count = (key: string, found: number): Event => ({ do: 'count', key, count: found });
const savepoint: Event = { do: 'savepoint', number: 1 };
const rollback: Event = { do: 'rollback', number: 1 };

type Given = Pick<RecordedTransaction, 'told' | 'events'> & Partial<RecordedTransaction>;
const committed = (...events: Event[]): Given => ({ told: 'committed', events });
const aborted = (...events: Event[]): Given => ({ told: 'aborted', events });
const unknown = (...events: Event[]): Given => ({ told: 'unknown', events });

/** All of them side by side, unless they say otherwise. */
function history(stored: Record<string, number[]>, ...transactions: Given[]): History {
  return {
    stored: new Map(Object.entries(stored)),
    transactions: transactions.map((each, index) => {
      return { number: index + 1, label: 'hand-made', begun: 0, ended: Number.POSITIVE_INFINITY, ...each };
    }),
  };
}

const kinds = (of: History) => [...new Set(anomaliesOf(of).map(({ kind }) => kind))].sort();

describe('a history that snapshot isolation allows has no anomaly', () => {
  const fine: Record<string, History> = {
    'nothing at all': history({}),
    'one after the other': history(
      { x: [1, 2], y: [3] },
      committed(read('x'), write('x', 1)),
      committed(read('x', 1), write('x', 2), read('x', 1, 2), write('y', 3)),
      committed(read('x', 1, 2), read('y', 3)),
    ),
    'write skew': history({ x: [1], y: [2] }, committed(read('x'), write('y', 2)), committed(read('y'), write('x', 1))),
    'write skew over three': history(
      { x: [1], y: [2], z: [3] },
      committed(read('x'), write('y', 2)),
      committed(read('y'), write('z', 3)),
      committed(read('z'), write('x', 1)),
    ),
    'write skew over a condition': history(
      { set: [1, 2] },
      committed(read('set'), write('set', 1)),
      committed(count('set', 0), write('set', 2)),
    ),
    'a snapshot that is old': history(
      { x: [1], y: [2] },
      committed(read('x'), read('y')),
      committed(write('x', 1), write('y', 2)),
    ),
    'an unknown transaction that is in': history({ x: [1] }, unknown(write('x', 1)), committed(read('x', 1))),
    'an unknown transaction that is not in': history({ x: [2] }, unknown(write('x', 1)), committed(write('x', 2))),
    'an aborted one': history({ x: [2] }, aborted(read('x'), write('x', 1)), committed(read('x'), write('x', 2))),
    'what it had undone itself': history(
      { x: [1, 4], set: [5] },
      committed(write('x', 1)),
      committed(
        read('x', 1),
        savepoint,
        ...[write('x', 2), read('x', 1, 2), write('set', 3), read('set', 3), count('set', 1), rollback],
        ...[write('x', 4), read('x', 1, 4), write('set', 5), read('set', 5), count('set', 1)],
      ),
    ),
    'the order in a set is nothing': history(
      { set: [2, 1] },
      committed(write('set', 1), write('set', 2), read('set', 1, 2)),
    ),
  };
  test.each(Object.entries(fine))('%s', (_name, of) => {
    expect(anomaliesOf(of)).toEqual([]);
  });
});

describe('an anomaly is found', () => {
  const bad: readonly (readonly [string, AnomalyKind, History])[] = [
    [
      'two write two lists in another order',
      'G0',
      history(
        { x: [1, 2], y: [4, 3] },
        committed(write('x', 1), write('y', 3)),
        committed(write('x', 2), write('y', 4)),
      ),
    ],
    [
      'a write comes between two of another',
      'G0',
      history({ x: [1, 3, 2] }, committed(write('x', 1), write('x', 2)), committed(write('x', 3))),
    ],
    [
      'what was read was aborted',
      'G1a: aborted read',
      history({ x: [] }, aborted(write('x', 1)), committed(read('x', 1))),
    ],
    [
      'what was read was undone',
      'G1a: aborted read',
      history({ x: [] }, committed(savepoint, write('x', 1), rollback), committed(read('x', 1))),
    ],
    [
      'half of what was written was read',
      'G1b: intermediate read',
      history({ x: [1, 2] }, committed(write('x', 1), write('x', 2)), committed(read('x', 1))),
    ],
    [
      'half of a set was read',
      'G1b: intermediate read',
      history({ set: [1, 2] }, committed(write('set', 1), write('set', 2)), committed(read('set', 2))),
    ],
    [
      'each read what the other wrote',
      'G1c',
      history({ x: [1], y: [2] }, committed(write('x', 1), read('y', 2)), committed(write('y', 2), read('x', 1))),
    ],
    [
      'the version between was not seen',
      'G-single: lost update',
      history({ x: [1, 2] }, committed(write('x', 1)), committed(read('x'), write('x', 2))),
    ],
    [
      'the version between was not seen, by an undone read',
      'G-single: lost update',
      history({ x: [1, 2] }, committed(write('x', 1)), committed(savepoint, read('x'), rollback, write('x', 2))),
    ],
    [
      'one of two writes was seen',
      'G-single: read skew',
      history({ x: [1], y: [2] }, committed(write('x', 1), write('y', 2)), committed(read('x'), read('y', 2))),
    ],
    [
      'one of two writes was seen, and the read of the other was undone',
      'G-single: read skew',
      history(
        { x: [1], y: [2] },
        committed(write('x', 1), write('y', 2)),
        committed(savepoint, read('x'), rollback, read('y', 2)),
      ),
    ],
    [
      'one of two writes was seen, by way of a third',
      'G-single: read skew',
      history(
        { x: [1], y: [2] },
        committed(write('x', 1)),
        committed(read('x', 1), write('y', 2)),
        committed(read('y', 2), read('x')),
      ),
    ],
    [
      'one of two writes was seen by a transaction that was aborted',
      'G-single: read skew',
      history({ x: [1], y: [2] }, committed(write('x', 1), write('y', 2)), aborted(read('x'), read('y', 2))),
    ],
    [
      'a row was not found whose writer was seen',
      'G-single: phantom',
      history({ set: [1], y: [2] }, committed(write('set', 1), write('y', 2)), committed(read('set'), read('y', 2))),
    ],
    [
      'two see two writes in another order',
      'G-nonadjacent',
      history(
        { x: [1], y: [2] },
        ...[committed(write('x', 1)), committed(write('y', 2))],
        ...[committed(read('x', 1), read('y')), committed(read('y', 2), read('x'))],
      ),
    ],
    ['its own write is not there', 'own writes', history({ x: [1] }, committed(write('x', 1), read('x')))],
    ['its own row is not there', 'own writes', history({ set: [1] }, committed(write('set', 1), read('set')))],
    ['its own row is not counted', 'own writes', history({ set: [1] }, committed(write('set', 1), count('set', 0)))],
    [
      'what it undid is still there for itself',
      'own writes',
      history({ x: [] }, committed(savepoint, write('x', 1), rollback, read('x', 1))),
    ],
    [
      'a list changed between two reads',
      'non-repeatable read',
      history({ x: [1] }, committed(read('x'), read('x', 1)), committed(write('x', 1))),
    ],
    [
      'a list changed since an undone read',
      'non-repeatable read',
      history({ x: [1] }, committed(savepoint, read('x'), rollback, read('x', 1)), committed(write('x', 1))),
    ],
    [
      'a row came between two reads',
      'phantom',
      history({ set: [1] }, committed(read('set'), read('set', 1)), committed(write('set', 1))),
    ],
    [
      'a row came between two counts',
      'phantom',
      history({ set: [1] }, committed(count('set', 0), count('set', 1)), committed(write('set', 1))),
    ],
    [
      'a row came since an undone count',
      'phantom',
      history(
        { set: [1] },
        committed(savepoint, count('set', 0), rollback, read('set', 1)),
        committed(write('set', 1)),
      ),
    ],
    ['a write is there twice', 'double commit', history({ x: [1, 1] }, committed(write('x', 1)))],
    [
      'a write was read twice',
      'double commit',
      history({ x: [1] }, committed(write('x', 1)), committed(read('x', 1, 1))),
    ],
    ['a write is missing', 'lost write', history({ x: [] }, committed(write('x', 1)))],
    ['an aborted write is there', 'aborted write', history({ x: [1] }, aborted(write('x', 1)))],
    ['an undone write is there', 'aborted write', history({ x: [1] }, committed(savepoint, write('x', 1), rollback))],
    [
      'half of an unknown one is there',
      'partial commit',
      history({ x: [1], y: [] }, unknown(write('x', 1), write('y', 2))),
    ],
    [
      'what was committed before the begin was not seen',
      'stale read',
      history(
        { x: [1] },
        { ...committed(write('x', 1)), begun: 1, ended: 2 },
        { ...committed(read('x')), begun: 3, ended: 4 },
      ),
    ],
    [
      'two saw a list in another order',
      'unordered read',
      history({ x: [1, 2] }, committed(write('x', 1)), committed(write('x', 2)), committed(read('x', 2))),
    ],
    ['no transaction wrote what is there', 'value from nowhere', history({ x: [1] })],
    ['no transaction wrote what was read', 'value from nowhere', history({ x: [] }, committed(read('x', 1)))],
  ];
  test.each(bad)('%s (%s)', (_name, kind, of) => {
    expect(kinds(of)).toContain(kind);
  });

  test.each(bad.filter(([, kind]) => kind.startsWith('G-') || kind === 'G0'))(
    '%s (%s), and nothing else is said',
    (_name, kind, of) => {
      expect(kinds(of)).toEqual([kind]);
    },
  );
});

test('a cycle is told so that it can be read', () => {
  const [anomaly] = anomaliesOf(
    history({ x: [1, 2] }, committed(write('x', 1)), committed(savepoint, read('x'), rollback, write('x', 2))),
  );
  expect(anomaly).toEqual({
    kind: 'G-single: lost update',
    transactions: [1, 2],
    text: `a cycle of 2:
    T2 -rw-> T1: T2 read it without 1, which came then (x)
    T1 -ww-> T2: T1 wrote 1, and 2 came next (x)
    T1 (hand-made, committed): x << 1
    T2 (hand-made, committed): savepoint 1 · x = [] · rollback 1 · x << 2`,
  });
});

test('a recorder keeps what happened, in the order of the begins', () => {
  const recorder = new Recorder();
  const [first, second] = [recorder.begin('one', recorder.moment()), recorder.begin('other', recorder.moment())];
  const value = second.write('x');
  second.end('committed' satisfies Told);
  first.rollback(first.savepoint());
  first.end('aborted');
  second.end('aborted');
  expect(recorder.history(new Map()).transactions).toEqual([
    { number: 1, label: 'one', begun: 1, ended: 4, told: 'aborted', events: [savepoint, rollback] },
    { number: 2, label: 'other', begun: 2, ended: 3, told: 'committed', events: [write('x', value)] },
  ]);
});
