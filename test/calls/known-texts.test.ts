import { describe, expect, test } from 'vitest';
import { Call } from '../../src/calls/call.js';
import { KnownTexts } from '../../src/calls/known-texts.js';
import type { Answer } from '../../src/wire/answer.js';

const call = (text: string, bindings: Record<string, unknown> = {}): Call => new Call({ text, bindings });

/** An answer to one statement, or to several. */
function answer(statements = 1, records = 1, time = '10µs'): Answer {
  return Array.from({ length: statements }, (_, query) => ({
    query,
    batch: 0,
    kind: 'single' as const,
    time,
    result: Array.from({ length: records }),
  }));
}

function knowing(text: string, chunks = answer()): KnownTexts {
  const texts = new KnownTexts();
  texts.answered(call(text), chunks);
  return texts;
}

describe('a text goes in a message with others', () => {
  test('once the server has answered it alone, and not before', () => {
    const texts = new KnownTexts();
    const asked = call('SELECT * FROM thing');
    expect(texts.mayJoin(asked)).toBe(false);
    texts.answered(asked, answer());
    expect(texts.mayJoin(asked)).toBe(true);
    texts.goesAlone(asked.text);
    expect(texts.mayJoin(asked)).toBe(false);
  });

  test.each([
    'SELECT 1',
    'CREATE t',
    'UPDATE t',
    'UPSERT t',
    'DELETE t',
    'INSERT INTO t {}',
    'RETURN 1',
    'RETURN 1; -- x',
  ])('when it leaves nothing behind: %s', (text) => expect(knowing(text).mayJoin(call(text))).toBe(true));

  test.each([
    ...['RETURN 1; RETURN 2', 'BEGIN; RETURN 1; COMMIT', 'LET $a = 1', 'USE DB other', 'OPTION IMPORT', 'SLEEP 1ms'],
    ...['DEFINE TABLE t', 'REMOVE TABLE t', 'INFO FOR DB', '{ RETURN 1 }', 'IF true { 1 }', 'KILL "x"', ''],
    `RETURN '${'x'.repeat(1_100)}'`,
  ])('and not otherwise: %s', (text) => expect(knowing(text).mayJoin(call(text))).toBe(false));

  test('unless the server took it for several statements, or answers with many records', () => {
    expect(knowing('SELECT 1', answer(2)).mayJoin(call('SELECT 1'))).toBe(false);
    expect(knowing('SELECT 1', answer(1, 101)).mayJoin(call('SELECT 1'))).toBe(false);
  });

  test('with parameters that have names of their own', () => {
    const texts = knowing('RETURN $v');
    expect(texts.mayJoin(call('RETURN $v', { v: 1, V_2: 2 }))).toBe(true);
    for (const name of ['value', 'auth', 'session', 'this', '__proto__', 'two words', '1st']) {
      expect(texts.mayJoin(call('RETURN $v', Object.fromEntries([[name, 1]]))), name).toBe(false);
    }
  });

  test.each(['RETURN $v.name', 'RETURN $v[0]', 'RETURN $v->likes', 'RETURN $v<-likes', 'RETURN $v fetch name'])(
    'without parameters only, where it may follow a link: %s',
    (text) => {
      const texts = knowing(text);
      expect(texts.mayJoin(call(text))).toBe(true);
      expect(texts.mayJoin(call(text, { v: 1 }))).toBe(false);
    },
  );
});

test('texts that differ in the numbers of the SDK are one text', () => {
  const texts = knowing('RETURN 1');
  for (let n = 0; n < 3_000; n += 2) texts.answered(call(`RETURN $bind__${n} + $bind__${n + 1}`), answer());
  expect(texts.mayJoin(call('RETURN $bind__8000 + $bind__8001', { bind__8000: 1, bind__8001: 2 }))).toBe(true);
  expect(texts.mayJoin(call('RETURN 1'))).toBe(true);
});

describe('of how long the server takes', () => {
  const text = 'SELECT * FROM thing';
  const asked = call(text);

  /** Whether a text goes in a message with others after answers that took so long, in milliseconds. */
  function joinsAfter(...times: number[]): boolean {
    const texts = new KnownTexts();
    for (const time of times) texts.answered(asked, answer(1, 1, `${time}ms`));
    return texts.mayJoin(asked);
  }

  test('a statement that takes long each time goes alone, from its second answer on', () => {
    expect(joinsAfter(5)).toBe(true);
    expect(joinsAfter(5, 5)).toBe(false);
    expect(joinsAfter(...Array.from({ length: 50 }, () => 3))).toBe(false);
  });

  test('a quick one on a busy server goes on with others', () => {
    expect(joinsAfter(0.1, ...Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 15 : 0.2)))).toBe(true);
  });

  test('one that took very long is known by that, and may join again when it was quick some times', () => {
    expect(joinsAfter(0.1, 500)).toBe(false);
    expect(joinsAfter(0.1, 500, ...Array.from({ length: 30 }, () => 0.1))).toBe(true);
  });
});
