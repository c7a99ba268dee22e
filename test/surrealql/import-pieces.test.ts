import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { type ImportPiece, ImportPieces } from '../../src/surrealql/import-pieces.js';

const seed = Number(process.env.IMPORT_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** As much as a piece may be short of, so that a few statements fill one. */
const filler = ' '.repeat(200 * 1024);

function piecesOf(parts: readonly string[]): ImportPiece[] {
  const pieces = new ImportPieces();
  const found: ImportPiece[] = [];
  for (const part of parts) found.push(...pieces.add(part));
  const rest = pieces.end();
  return rest === undefined ? found : [...found, rest];
}

/** Statements, and whether they hold together with those behind them. */
const statements = [
  `CREATE a:1 SET text = 'x;y\\';z'${filler};\n`,
  `INSERT [ { id: a:2, list: [1, { b: ";" }], re: /;/ } ]${filler};\n`,
  `-- a comment; with a semicolon\n/* and ; another */ DEFINE TABLE a${filler};\n`,
  `DEFINE FUNCTION fn::f() { LET $x = 1; RETURN $x; }${filler};\n`,
  `IF true THEN CREATE b:1; ELSE CREATE b:2; END${filler};\n`,
  `BEGIN; CREATE c:1${filler}; CREATE c:2${filler}; COMMIT;\n`,
  `CREATE \`strange;name\`${filler};\n`,
  'CREATE d;',
] as const;

test(`a text is cut between statements only, in whatever parts it comes (IMPORT_SEED=${seed})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: statements.length - 1 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (chosen, cuts) => {
        const text = chosen.map((index) => statements[index]).join('');
        const places = [
          0,
          ...cuts.map((cut) => cut % (text.length + 1)).sort((one, other) => one - other),
          text.length,
        ];
        const parts = places.slice(1).map((end, index) => text.slice(places[index], end));
        const pieces = piecesOf(parts);
        expect(pieces.map((piece) => piece.text).join(''), 'nothing is lost').toBe(text);
        for (const { text: piece } of pieces) {
          // Each piece is made of whole statements.
          let rest = piece;
          while (rest !== '') {
            const next = statements.find((statement) => rest.trimStart().startsWith(statement.trim()));
            expect(next, rest.slice(0, 80)).toBeDefined();
            rest = rest.trimStart().slice(next?.trim().length).replace(/^\n/, '');
          }
          expect(piece.length, 'and is none too large').toBeLessThan(5 * 512 * 1024);
        }
      },
    ),
    { seed, numRuns: 60 },
  );
});

test.each([
  ['IF true THEN CREATE b:1; ELSE CREATE b:2; END;', 'goes on behind an IF with an END of its own'],
  ['IF true THEN RETURN end; ELSE CREATE b:2; END;', 'goes on though a field is named like the END'],
  ['IF a THEN IF b THEN CREATE b:1; END; END;', 'goes on behind one IF in another'],
  ['IF a THEN CREATE b:1; ELSE IF b THEN CREATE b:2; ELSE CREATE b:3; END;', 'goes on behind a chain of them'],
  ['IF true { CREATE b:1 };', 'goes on behind an IF with braces'],
  ['IF true THEN CREATE b:1 END;', 'goes on behind an IF in one piece'],
])('%s: the cutting %s, and does not cut it', (conditional) => {
  const next = `CREATE a:1 SET text = 'x'${filler};\n`;
  const pieces = piecesOf([`${conditional}\n`, ...Array<string>(9).fill(next)]);
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces[0]?.text.startsWith(conditional)).toBe(true);
  for (const { text } of pieces.slice(1)) expect(text.trimStart().startsWith('CREATE a:1')).toBe(true);
});

test('what OPTION IMPORT says at the beginning holds for each piece', () => {
  const [first, ...others] = piecesOf(['OPTION IMPORT;\n', ...Array.from({ length: 9 }, () => statements[0])]);
  expect(first).toMatchObject({ added: 0, statements: expect.arrayContaining(['OPTION IMPORT']) });
  expect(others.length).toBeGreaterThan(1);
  for (const piece of others) {
    expect(piece.added).toBe(1);
    expect(piece.text.startsWith('OPTION IMPORT;\n')).toBe(true);
    expect(new Set(piece.statements)).toEqual(new Set(['CREATE a']));
  }
  expect(piecesOf(Array.from({ length: 9 }, () => statements[0])).every(({ added }) => added === 0)).toBe(true);
});

test('all behind a LET goes with it, and USE is refused', () => {
  const after = piecesOf([statements[0], statements[0], statements[0], 'LET $x = 1;', ...Array(9).fill(statements[1])]);
  expect(after.findIndex(({ text }) => text.includes('LET $x'))).toBe(after.length - 1);
  expect(() => piecesOf(['CREATE a:1; use db other; CREATE b:1'])).toThrow(UsageError);
  expect(piecesOf(['CREATE a:1 SET text = "USE DB other;"'])).toHaveLength(1);
});

test('how a statement begins is told without its data and secrets', () => {
  const text = `DEFINE USER eve ON DATABASE PASSHASH 'hash'; DEFINE USER bob ON ROOT PASSWORD secret; INSERT [ { id: a:1 } ]; {}; -- end`;
  const begins = piecesOf([text]).flatMap((piece) => piece.statements);
  expect(begins).toEqual(['DEFINE USER eve ON DATABASE', 'DEFINE USER bob ON ROOT', 'INSERT', '']);
});
