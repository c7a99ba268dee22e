import { RecordId, StringRecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import { writtenRecords } from '../../src/surrealql/written-records.js';

const bindings = {
  one: new RecordId('a', 1),
  text: new StringRecordId('a:`x y`'),
  many: [new RecordId('a', 1), new StringRecordId('b:two')],
  table: new Table('a'),
  name: 'a:9',
  rows: [{ id: 1 }, { id: new RecordId('b', 'x') }, { v: 1 }],
};

const examples: readonly [text: string, records: readonly string[]][] = [
  ['', []],
  ['SELECT * FROM a:1', []],
  ['CREATE a:1', ['a:1']],
  ['create only a:one SET v = b:2', ['a:one']],
  ['UPDATE a:1, a:2, `b c`:⟨d e⟩ SET v = 1', ['a:1', 'a:2', '⟨b c⟩:⟨d e⟩']],
  ['UPSERT $one; UPDATE $many', ['a:1', 'b:two']],
  ['UPDATE $text', ['a:⟨x y⟩']],
  ['DELETE a:-5; DELETE FROM a:⟨1⟩', ['a:-5', 'a:⟨1⟩']],
  ['DELETE ONLY r"a:1" RETURN BEFORE', ['a:1']],
  ['UPDATE $table SET v = 1; UPDATE a; CREATE $name', []],
  ['RETURN (UPDATE a:1 SET v = (CREATE b:1).v)', ['a:1', 'b:1']],
  ['IF true { UPDATE a:1 } ELSE { DELETE a:2 }', ['a:1', 'a:2']],
  ['RELATE a:1->likes:5->b:1; RELATE $one->$many->$one', ['likes:5', 'a:1', 'b:two']],
  ['RELATE a:1->likes->b:1', []],
  ['INSERT INTO a { id: 1, v: { id: 2 } }', ['a:1']],
  ['INSERT INTO a [{ v: 1, id: "x" }, { id: b:2 }]', ['a:x', 'b:2']],
  ['INSERT INTO $table $rows', ['a:1', 'b:x']],
  ['INSERT $rows', ['b:x']],
  ['RETURN { create: a:1, update: b:2 }', []],
  ['SELECT a.update FROM b', []],
  ['CREATE a:rand(); CREATE a:[1]; CREATE a:1.5', []],
  ['RETURN "UPDATE a:1"', []],
  ['LET $one = b:1; UPDATE $one', []],
  ['CREATE a', []],
  ['CREATE', []],
  ['INSERT INTO', []],
  ['RELATE a:1->', []],
];

describe('the records a text writes to by name', () => {
  test.each(examples)('%s', (text, records) => {
    expect(writtenRecords(new SurrealText(text), bindings)).toEqual(records);
  });
});
