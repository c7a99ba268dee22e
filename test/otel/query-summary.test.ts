import { describe, expect, test } from 'vitest';
import { queryFacts } from '../../src/otel/query-facts.js';
import { summarise } from '../../src/otel/query-summary.js';

describe('a query is summed up by', () => {
  test.each([
    ['SELECT * FROM person', 'SELECT person'],
    ['select name, (SELECT * FROM other) AS x from only person:tobie where a = 1;', 'SELECT person'],
    ['SELECT * FROM `a table`', 'SELECT a table'],
    ['-- a comment\nSELECT VALUE id FROM ⟨person⟩ LIMIT 1', 'SELECT person'],
    ['CREATE ONLY person:1 SET a = "secret"', 'CREATE person'],
    ['UPDATE person SET a = 1; DELETE FROM ONLY other:2', 'UPDATE person DELETE other'],
    ['UPSERT person:⟨secret⟩ CONTENT {}', 'UPSERT person'],
    ['INSERT INTO person { id: 1 }', 'INSERT person'],
    ['INSERT RELATION INTO likes [{}]', 'INSERT likes'],
    ['INSERT INTO person (id, name) VALUES (1, "secret")', 'INSERT person'],
    ['DELETE person:[1, "secret"] RETURN BEFORE', 'DELETE person'],
    ['CREATE person:{ a: 1, b: 2 } SET a = 1, b = 2', 'CREATE person'],
    ['LET $a = 1; SELECT * FROM person WHERE x = $a', 'LET SELECT person'],
    ['RETURN 1', 'RETURN'],
    ['DEFINE TABLE person', 'DEFINE'],
  ])('%s', (text, summary) => {
    expect(summarise(text)).toEqual({ operation: summary.split(' ')[0], summary });
  });

  // What it acts on is in a parameter, or more than one thing, or cannot be told surely: only what it does is said.
  test.each([
    ['SELECT * FROM $bind__1', 'SELECT'],
    ['SELECT * FROM a, b', 'SELECT'],
    ['SELECT * FROM person:1, other:2', 'SELECT'],
    ['SELECT * FROM person:1->likes->secret', 'SELECT'],
    ['SELECT * FROM type::table("secret")', 'SELECT'],
    ['SELECT from FROM person', 'SELECT'],
    ['UPDATE [person:1, person:2] SET a = 1', 'UPDATE'],
    ['DELETE $id', 'DELETE'],
    ['SELECT * FROM person:[1]->likes', 'SELECT'],
    ['INSERT INTO type::table("secret") {}', 'INSERT'],
    ['INSERT INTO $table $rows', 'INSERT'],
    ['RELATE person:1->likes->person:2', 'RELATE'],
  ])('what it does alone: %s', (text, summary) => {
    expect(summarise(text)).toEqual({ operation: summary, summary });
  });

  test.each(['', '1 + 1', 'select.x', '$a', '(SELECT * FROM person)', 'person:1'])('nothing: %s', (text) => {
    expect(summarise(text)).toEqual({ operation: undefined, summary: undefined });
  });

  test('its first statement alone when the rest cannot be read, or is long', () => {
    expect(summarise('SELECT * FROM person WHERE a = "unfinished')).toEqual({
      operation: 'SELECT',
      summary: undefined,
    });
    expect(summarise(`SELECT * FROM person WHERE a = "${'x'.repeat(3_000)}"`)).toEqual({
      operation: 'SELECT',
      summary: undefined,
    });
  });

  test('as much as OpenTelemetry allows', () => {
    const { summary } = summarise('SELECT * FROM person; '.repeat(50));
    expect(summary).toMatch(/^SELECT person( SELECT person)+$/);
    expect(summary?.length).toBeLessThanOrEqual(255);
  });
});

test('the text of a span has no values, and texts of a builder are read once, whatever numbers they have', () => {
  const facts = queryFacts('SELECT * FROM person WHERE a = "secret" AND b = $bind__17');
  expect(facts).toEqual({
    operation: 'SELECT',
    summary: 'SELECT person',
    text: 'SELECT * FROM person WHERE a = ? AND b = $bind__',
  });
  expect(queryFacts('SELECT * FROM person WHERE a = "secret" AND b = $bind__18')).toBe(facts);
});
