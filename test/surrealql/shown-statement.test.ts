import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shownStatement } from '../../src/surrealql/shown-statement.js';

describe('a statement that is shown', () => {
  test.each([
    ['SELECT * FROM person WHERE age > $age', 'SELECT * FROM person WHERE age > $age'],
    ['  CREATE\n\tthing:1  ', 'CREATE thing:1'],
    ['SELECT * -- a comment\nFROM a/* and */b', 'SELECT * FROM a b'],
    [`CREATE a SET b = "it's", c = r'a:1'`, "CREATE a SET b = '…', c = '…'"],
    ['SELECT `a b` FROM ⟨c d⟩', 'SELECT `a b` FROM ⟨c d⟩'],
    ["RETURN 'never closed", 'RETURN …'],
    ['RETURN function() { return "a"; }', 'RETURN function() …'],
    ['', ''],
  ])('%j is %j', (text, shown) => {
    expect(shownStatement(text)).toBe(shown);
  });

  test('is short, whatever the text', () => {
    expect(shownStatement(`RETURN ${'x'.repeat(1_000_000)}`)).toMatch(/^RETURN x{193}…$/);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => shownStatement(text).length < 500),
    );
  });

  test('holds nothing of a text in quotes, wherever that stands and however it is cut', () => {
    const quoted = fc
      .record({ quote: fc.constantFrom('"', "'"), prefix: fc.constantFrom('', 's', 'r', 'd'), size: fc.nat(2_500) })
      .map(
        ({ quote, prefix, size }) => `${prefix}${quote}${'S3CRET'.repeat(1 + (size % 400))}\\${quote}S3CRET${quote}`,
      );
    const around = fc.constantFrom(
      'CREATE a SET b =',
      'PASSWORD',
      'KEY',
      '(',
      '{ pass:',
      "/* it's */",
      '-- "\n',
      ', ',
      '+',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(around, quoted), { maxLength: 8 }), (parts) => {
        expect(shownStatement(parts.flat().join(''))).not.toContain('S3CRET');
      }),
    );
  });
});
