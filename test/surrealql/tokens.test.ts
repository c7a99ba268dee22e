import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitStatements } from '../../src/surrealql/statements.js';
import { tokenize } from '../../src/surrealql/tokens.js';

const kinds = (text: string): string =>
  tokenize(text)
    .map(({ kind, text: written }) => `${kind} ${written}`)
    .join(', ');

const examples: readonly [text: string, tokens: string][] = [
  ['', ''],
  ['SELECT a1', 'word SELECT, word a1'],
  ['`a b` ⟨c⟩', 'name `a b`, name ⟨c⟩'],
  ['`a\\`b`', 'name `a\\`b`'],
  [`'it\\'s' "a\nb" r"a:1" s''`, `string 'it\\'s', string "a\nb", string r"a:1", string s''`],
  ['x"a"', 'word x, string "a"'],
  [
    '12 1.5 1..2 1h30m 12ab 1_000 1µs',
    'number 12, number 1.5, number 1, mark ., mark ., number 2, number 1h30m, number 12ab, number 1_000, number 1µs',
  ],
  ['$a $`b c` $⟨d⟩', 'parameter $a, parameter $`b c`, parameter $⟨d⟩'],
  ['a::b a->b<-c', 'word a, mark ::, word b, word a, mark ->, word b, mark <-, word c'],
  ['1 -- a\n2 # b\r3 // c\u20284 /* d\n */5', 'number 1, number 2, number 3, number 4, number 5'],
  ['/* /* */ a', 'word a'],
  ['5 --3', 'number 5'],
  ['5 - -3', 'number 5, mark -, mark -, number 3'],
  ['6 / 2', 'number 6, mark /, number 2'],
  ["$a = /x'\\/y/", "parameter $a, mark =, regex /x'\\/y/"],
  ['(a) / b / c', 'mark (, word a, mark ), mark /, word b, mark /, word c'],
  ['RETURN /a/', 'word RETURN, regex /a/'],
  ['"open; b', 'unknown "open; b'],
  ['a /* open', 'word a, unknown /* open'],
  ['a ∋ b × c… 1 ÷ 2', 'word a, mark ∋, word b, mark ×, word c, mark …, number 1, mark ÷, number 2'],
  ['a ≠ b', 'word a, unknown ≠, word b'],
  ['a\u00a0b\u3000c \u2028 \ufeff', 'word a, word b, word c, unknown \u2028, unknown \ufeff'],
  [
    "function($a) { '}' /* } */ + `}` // }\n } a",
    "word function, mark (, parameter $a, mark ), script { '}' /* } */ + `}` // }\n }, word a",
  ],
  ['a.* * b', 'word a, mark ., mark *, mark *, word b'],
];

describe('the tokens of SurrealQL', () => {
  test.each(examples)('%j', (text, tokens) => {
    expect(kinds(text)).toBe(tokens);
  });

  test('cover every text in order, whatever it is, and are quick with long ones', () => {
    const pieces = fc.constantFrom(
      "'",
      '"',
      '`',
      '⟨',
      '⟩',
      '\\',
      '/',
      '*',
      '--',
      '\n',
      '#',
      '$',
      'a',
      '1',
      ' ',
      ';',
      '𝒳',
      '{',
      ')',
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const text = parts.join('');
        let end = 0;
        for (const token of tokenize(text)) {
          expect(token.start).toBeGreaterThanOrEqual(end);
          expect(text.slice(token.start, token.end)).toBe(token.text);
          end = token.end;
        }
      }),
    );
    expect(tokenize(`"${'\\"'.repeat(5_000_000)}"`)).toHaveLength(1);
  });
});

describe('brackets', () => {
  test('know their partners', () => {
    const partners = tokenize('a(b[1], { c }) ) ( [ }').map(({ partner }) => partner);
    expect(partners).toEqual([
      ...[undefined, 10, undefined, 5, undefined, 3, undefined, 9, undefined, 7, 1],
      ...[undefined, undefined, undefined, undefined],
    ]);
  });
});

describe('the statements of a text', () => {
  const statements = (text: string): string[] =>
    splitStatements(tokenize(text)).statements.map(({ tokens }) => tokens.map((token) => token.text).join(' '));

  test('end at a semicolon that is not in brackets, quotes or comments', () => {
    expect(statements('a; "b;" ; { c; d }; (e;) -- f;\n; g')).toEqual(['a', '"b;"', '{ c ; d }', '( e ; )', 'g']);
    expect(statements(' ;; -- nothing')).toEqual([]);
  });

  test('say where in the text they stand', () => {
    const text = ' RETURN 1 /* ; */ ;\n{ a; b } ; -- end';
    const { statements: found, certain } = splitStatements(tokenize(text));
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual(['RETURN 1', '{ a; b }']);
    expect(certain).toBe(true);
  });

  test.each([
    'RETURN (1',
    'RETURN 1)',
    'RETURN ([1)]',
    'RETURN 1 ≠ 2',
    'RETURN "open',
    'SELECT when /;/ FROM a',
    'IF true THEN 1; ELSE 2; END',
    'IF true THEN 1; END',
    'RETURN function() { return 1 }',
  ])('are uncertain where the server may cut otherwise: %s', (text) => {
    expect(splitStatements(tokenize(text)).certain).toBe(false);
  });
});
