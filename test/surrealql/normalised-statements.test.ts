import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalisedStatements } from '../../src/surrealql/normalised-statements.js';

describe('normalised statements', () => {
  test.each([
    ['SELECT * FROM person WHERE age > $age', 'SELECT * FROM person WHERE age > $age'],
    ["  CREATE\n\tperson:tobie SET name='Tobie', age = 33 -- note", 'CREATE person:? SET name=?, age = ?'],
    ['SELECT a.b, count() FROM `my table`:⟨key 1⟩', 'SELECT a.b, count() FROM `my table`:?'],
    [
      "SELECT * FROM person:1..100, person:a..=zoe, person:['London', d'2026-01-01']",
      'SELECT * FROM person:?..?, person:?..=?, person:?',
    ],
    ['SELECT * FROM person:a>..zoe', 'SELECT * FROM person:?>..?'],
    ['CREATE person:ulid()', 'CREATE person:ulid()'],
    [
      'CREATE person CONTENT { name: "T", old: true, at: time::now(), x: { y: 1 }, z: $z }',
      'CREATE person CONTENT { name: ?, old: ?, at: time::now(), x: ?, z: $z }',
    ],
    ['RELATE person:a->likes->post:b SET at = 1h30m', 'RELATE person:?->likes->post:? SET at = ?'],
    ['SELECT * FROM a WHERE b = 1.5dec AND c = -2e10f AND /x+/', 'SELECT * FROM a WHERE b = ? AND c = -? AND ?'],
    ['DEFINE FUNCTION fn::a($x: string) { RETURN $x + 1; }', 'DEFINE FUNCTION fn::a($x: string) { RETURN $x + ?; }'],
    ['SELECT * FROM person:8424486b-85b3-ac8d-5d51083391c7', 'SELECT * FROM person:?-?-?-?'],
    ['SELECT * FROM person:größe', 'SELECT * FROM person:????'],
    ['SELECT * FROM $bind__17 WHERE a = $bind__18', 'SELECT * FROM $bind__ WHERE a = $bind__'],
    ["RETURN 'never closed", 'RETURN …'],
    ['CREATE person:{ a: 1', 'CREATE person:…'],
    ['RETURN function() { return "a"; }', 'RETURN function() …'],
    ['DEFINE USER bob ON ROOT PASSWORD "secret"', 'DEFINE USER bob ON ROOT PASSWORD ?'],
  ])('of %j are %j', (text, line) => {
    expect(normalisedStatements(text)).toEqual([line]);
  });

  test('are one line each, and their number is limited', () => {
    expect(normalisedStatements('BEGIN; CREATE a:1; CREATE b:2; COMMIT;')).toEqual([
      'BEGIN',
      'CREATE a:?',
      'CREATE b:?',
      'COMMIT',
    ]);
    expect(normalisedStatements('')).toEqual([]);
    expect(normalisedStatements('; ;')).toEqual([]);
    const many = normalisedStatements('RETURN 1;'.repeat(30));
    expect([many.length, many.at(-2), many.at(-1)]).toEqual([21, 'RETURN ?', '…']);
    expect(normalisedStatements('RETURN 1;'.repeat(20))).toHaveLength(20);
    expect(normalisedStatements(`RETURN ${'x + '.repeat(1_000_000)}1`).join().length).toBeLessThan(350);
  });

  test('of equal statements with other values are equal', () => {
    const value = fc.oneof(
      fc.integer().map((number) => `${Math.abs(number)}`),
      fc.string({ unit: fc.constantFrom('a', '1', ' ', ';', "\\'", '-', '/') }).map((text) => `'${text}'`),
      fc.constantFrom('true', 'false', '1.5', '2h', 'r"a:1"', 'd"2026-01-01"'),
    );
    fc.assert(
      fc.property(value, value, (one, other) => {
        const of = (given: string): readonly string[] =>
          normalisedStatements(`UPDATE a:1 SET b = ${given}, c = [${given}]`);
        expect(of(one)).toEqual(of(other));
      }),
    );
  });

  test('hold no value, wherever it stands and however the text is cut', () => {
    const secret = fc.constantFrom(
      ...[
        "'S3CRET'",
        '"S3CRET \\" S3CRET"',
        "r'a:S3CRET'",
        'a:S3CRET',
        'a:⟨S3CRET⟩',
        'a:`S3CRET`',
        'a:x..S3CRET',
        'a:..=S3CRET',
      ],
      ...[
        "a:['x', S3CRET]",
        'a:{ id: S3CRET }',
        '5S3CRET',
        'a:1-S3CRET',
        'a = /S3CRET/',
        '{ a: S3CRET }',
        "{ 'a': S3CRET, b: a:S3CRET }",
      ],
      ...['/* S3CRET */', '-- S3CRET\n', 'function() { return S3CRET }', 'a:b:S3CRET', 'b"S3CRET"'],
    );
    const around = fc.constantFrom(
      'SELECT * FROM ',
      'CREATE a SET b = ',
      ', ',
      ' + ',
      '; ',
      ' (',
      ')',
      ' { ',
      ' } ',
      ' [',
      '] ',
      ' WHERE ',
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(around, secret), { maxLength: 8 }),
        fc.nat(300),
        fc.nat(4_200),
        (parts, cut, before) => {
          const text = parts.flat().join('');
          const padded = `${'x '.repeat(before / 2)}${text.slice(0, Math.max(10, text.length - cut))}`;
          for (const written of [text, padded])
            expect(normalisedStatements(written).join('\n')).not.toContain('S3CRET');
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
