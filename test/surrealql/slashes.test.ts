import { describe, expect, test } from 'vitest';
import { splitStatements } from '../../src/surrealql/statements.js';
import type { Token } from '../../src/surrealql/token.js';
import { readings, tokenize } from '../../src/surrealql/tokens.js';
import { between, oneOf, type Random, seededRandom } from '../support/seeded-random.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

type Items = readonly [string, ...string[]];

/** Every keyword of SurrealDB 3.0 to 3.3. */
const keywords = `
  ACCESS AFTER ALGORITHM ALL ALLINSIDE ALTER ALWAYS ANALYZER AND ANDKW ANY ANYINSIDE API AR ARA ARABIC ARRAY
  AS ASC ASCENDING ASCII ASSERT ASYNC AT AUDIENCE AUTHENTICATE AUTO BACKEND BATCH BEARER BEFORE BEGIN BLANK
  BM25 BOOL BREAK BUCKET BY BYTES CAMEL CANCEL CAPACITY CASCADE CHANGEFEED CHANGES CHEBYSHEV CHINESE CLASS
  COLLATE COLLECTION COLUMNS COMMENT COMMIT COMPACT COMPUTED CONCURRENTLY CONFIG CONTAINS CONTAINSALL
  CONTAINSANY CONTAINSNONE CONTAINSNOT CONTENT CONTEXT CONTINUE COSINE COSINE_NORMALIZED COUNT CREATE DA DAN
  DANISH DATABASE DATETIME DB DE DECIMAL DEFAULT DEFINE DELETE DESC DESCENDING DEU DIFF DIMENSION DIST
  DISTANCE DROP DUPLICATE DURATION DUTCH EDDSA EDGENGRAM EDGES EFC EL ELL ELSE EN END ENFORCED ENG ENGLISH ES
  ES256 ES384 ES512 EUCLIDEAN EVENT EXCLUDE EXISTS EXPIRED EXPLAIN EXPUNGE EXTEND_CANDIDATES F16 F32 F64 FALSE
  FEATURE FETCH FI FIELD FIELDS FILE FILTERS FIN FINNISH FLEX FLEXI FLEXIBLE FLOAT FOR FR FRA FRENCH FROM FULL
  FULLTEXT FUNCTION FUNCTIONS GEOMETRY GERMAN GET GRANT GRAPHQL GRAPHQL_ALIAS GRAPHQL_DEPRECATED GREEK GROUP
  HAMMING HASHED_VECTOR HEADERS HIGHLIGHTS HNSW HS256 HS384 HS512 HU HUN HUNGARIAN I16 I32 I64 I8 IF IGNORE IN
  INCLUDE INDEX INFO INLINE INNER_PRODUCT INSERT INSIDE INT INTERSECTS INTO IS ISSUER IT ITA ITALIAN JACCARD
  JAPANESE JWKS JWT KEEP_PRUNED_CONNECTIONS KEY KILL KOREAN KV LET LIGHTWEIGHT LIMIT LINE LIVE LM LOWERCASE M
  M0 MANHATTAN MAPPER MAXDEPTH MERGE MIDDLEWARE MINKOWSKI ML MODEL MODULE MULTILINE MULTIPOINT MULTIPOLYGON
  NAMESPACE NGRAM NL NLD NO NOINDEX NONE NONEINSIDE NOR NORMAL NORWEGIAN NOT NOTINSIDE NS NULL NUMBER NUMERIC
  OBJECT OMIT ON ONLY OPTION OR ORDER ORIGINAL OUT OUTSIDE OVERWRITE PARALLEL PARAM PASSHASH PASSSCRAM
  PASSWORD PATCH PEARSON PERMISSIONS POINT POLYGON POR PORTUGUESE POST POSTINGS_CACHE POSTINGS_ORDER PREPARE
  PS256 PS384 PS512 PT PUNCT PURGE PUT RAND RANGE READONLY REBUILD RECORD REFERENCE REFERENCES REFRESH REGEX
  REJECT RELATE RELATION REMOVE REPLACE RETRY RETURN REVOKE REVOKED RO ROLES ROMANIAN RON ROOT RS256 RS384
  RS512 RU RUS RUSSIAN SC SCHEMAFUL SCHEMAFULL SCHEMALESS SEGMENT SELECT SEQUENCE SESSION SET SHOW SIGNIN
  SIGNUP SINCE SLEEP SNOWBALL SPA SPANISH SPLIT START STRICT STRING STRUCTURE SV SWE SWEDISH SYSTEM TA TABLE
  TABLES TAM TAMIL TB TEMPFILES TERMS_CACHE TERMS_ORDER THEN THROW TIMEOUT TO TOKEN TOKENIZERS TR TRACE
  TRANSACTION TRUE TUR TURKISH TYPE U8 ULID UNIQUE UNSET UNSIGNED UPDATE UPPERCASE UPSERT URL USE USER UUID
  VALUE VALUES VERSION VS WHEN WHERE WITH false fn mod silo true
`
  .trim()
  .split(/\s+/);

/** What else may stand before a slash: names, values, ends of clauses. */
const others =
  'foo matches analyze format text json `x` ⟨y⟩ $p "s" 1 1h (1) [1] {a:1} foo() a:1 fn::x() /x/ a->b x.y r"a:1" NaN array<int> set<int,3> record<a> a,b math::pi {1;2} |a:2| b"00"'.split(
    ' ',
  );

const marks =
  '+ - * / % ** = == != *= ?= += -= +?= < > <= >= && || ?? ?: ? ! !! ~ !~ .. ..= >.. ... … . .? .* .@ @ @@ @1@ @AND@ <|2|> <|2,3|> | |$x| |$x:int| || |a:2| |a:1..2| × ÷ ∋ ∌ ∈ ∉ ⊇ ⊃ ⊅ ⊆ ⊂ ⊄ , ; : :: -> <- <-> <~ ->? <-? <->? <~? [$] [*] [? [WHERE .{a} ( [ { ) ] } $ <int> <array<int>> <int|string>'.split(
    ' ',
  );

const items = [...keywords, ...others, ...marks] as unknown as Items;

/** Where a slash may stand, in the place of `_`. */
const contexts: Items = [
  '_',
  'RETURN _',
  'RETURN 1 _',
  'RETURN (1) _',
  'RETURN a _',
  'RETURN a._',
  'RETURN a:_',
  'RETURN { 1 _ }',
  'RETURN { a: _ }',
  'RETURN [1, _]',
  'SELECT _ FROM t',
  'SELECT *, _ FROM t',
  'SELECT * FROM t WHERE a = 1 _',
  'UPDATE t SET a = _',
  'UPDATE t SET a = 1 _',
  'INSERT INTO t _',
  'IF true THEN 1 _ END',
  'FOR $x IN [1] { _ }',
  'DEFINE FIELD f ON t _',
  'DEFINE PARAM $p VALUE 1 _',
];
const fartherContexts: Items = [
  'RETURN [1] _',
  'RETURN $x _',
  'RETURN `a` _',
  'RETURN a->_',
  'RETURN a->(b _)',
  'RETURN a[_]',
  'RETURN 1 IS _',
  'RETURN NOT _',
  'RETURN 1.._',
  'RETURN a..._',
  'RETURN <_',
  'RETURN |$x| _',
  'SELECT VALUE _ FROM t',
  'SELECT a AS _ FROM t',
  'SELECT * OMIT _ FROM t',
  'SELECT * FROM t GROUP _',
  'SELECT * FROM t LIMIT 1 _',
  'SELECT * FROM t WITH INDEX _',
  'UPDATE t RETURN _',
  'UPSERT t:1 _',
  'DELETE t _',
  'INSERT INTO $t _',
  'INSERT INTO t (a) VALUES (_)',
  'RELATE a:1->b->c:1 _',
  'IF a _ { 1 }',
  'IF true { 1 } ELSE _',
  'LET $x = _',
  'THROW _',
  'DEFINE TABLE _',
  'DEFINE FIELD f ON t TYPE _',
  'DEFINE FIELD f ON t PERMISSIONS FOR select _',
  'DEFINE EVENT e ON t WHEN true THEN 1, _',
  'DEFINE INDEX i ON t FIELDS a _',
  "DEFINE USER u ON ROOT PASSWORD 'x' DURATION FOR TOKEN 1h, _",
  'DEFINE ACCESS a ON DATABASE TYPE RECORD _',
  'DEFINE ACCESS a ON DATABASE TYPE JWT ALGORITHM HS512 KEY "x" _',
  'DEFINE FUNCTION fn::x() { RETURN 1 } _',
  "DEFINE API '/x' FOR get _",
  'DEFINE CONFIG _',
  'REMOVE TABLE _',
  'ALTER FIELD f ON t _',
  'INFO FOR TABLE t _',
  'ACCESS a SHOW _',
  'USE NS _',
  'LIVE SELECT * FROM t _',
  'EXPLAIN ANALYZE FORMAT _',
];

/**
 * Whether the server can read a text; it is not executed. The mark behind it is one that no token begins with: a server
 * that complains of it has read all before it.
 */
async function canRead(text: string): Promise<boolean> {
  const error = await own.engine.query(`${text}\n; ^`, place).then(String, String);
  return error.includes('Invalid token `^`');
}

/** A text that can be read only if the slash in it begins a regular expression, and one only if it divides. */
const proofs = [
  ['regex', "/'/"],
  ['mark', '/ "/" / 2'],
] as const;

/**
 * Whether a token is the slash at `start`, read in this way. A slash that ends a regular expression proves nothing: in a
 * block the value behind it may be a statement of its own.
 */
function isWhatIsProven(token: Token, kind: string, start: number): boolean {
  if (token.start === start) return token.kind === kind;
  return kind === 'mark' && token.kind === 'regex' && token.end === start + 1;
}

/** What the server takes a slash for that we do not, behind `before` in `context`. */
async function disagreements(context: string, before: string): Promise<string[]> {
  const [head = '', tail = ''] = context.split('_');
  const found: string[] = [];
  for (const [kind, slash] of proofs) {
    const start = `${head}${before} `.length;
    const text = `${head}${before} ${slash}${tail}`;
    const known = readings(text)?.some((tokens) => tokens.some((token) => isWhatIsProven(token, kind, start)));
    if (!known && (await canRead(text))) found.push(`${kind} for the server: ${text}`);
  }
  return found;
}

describe('a slash', () => {
  test('is for the server what it is in one of our readings, behind every keyword and mark', {
    timeout: 120_000,
  }, async () => {
    const found: string[] = [];
    for (const context of contexts) {
      for (let at = 0; at < items.length; at += 32) {
        const some = items.slice(at, at + 32).map((item) => disagreements(context, item));
        found.push(...(await Promise.all(some)).flat());
      }
    }
    expect(found).toEqual([]);
  });

  test('is so behind several of them in a row, too', { timeout: 120_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    for (let run = 0; run < Number(process.env.SLASH_RUNS ?? 100); run++) {
      const texts = Array.from({ length: 32 }, () => {
        const row = Array.from({ length: between(random, 1, 3) }, () => oneOf(random, items)).join(' ');
        return [oneOf(random, random() < 0.5 ? contexts : fartherContexts), row] as const;
      });
      const found = (await Promise.all(texts.map(([context, row]) => disagreements(context, row)))).flat();
      expect(found, `seed ${seed}`).toEqual([]);
    }
  });

  test.each([
    ['SET half = limit / 2', 'certain'],
    ['SELECT price / 2, a.when / 2, [value / 2] FROM t WHERE price / 2 > 1', 'certain'],
    ["SELECT * FROM t WHERE name IN /'/ OR (1) OUTSIDE /'/", 'certain'],
    ["RETURN [1, /'/, 1 + /'/, { a: /'/ }]", 'certain'],
    ["SELECT * FROM t WHERE /'/", 'doubtful'],
    ['SELECT when / 2 FROM t', 'doubtful'],
    ["INSERT INTO t /'/", 'doubtful'],
    ['RETURN { 1 when / 2 }', 'doubtful'],
  ])('is in doubt only where it has to be: %s', (text, expected) => {
    expect(tokenize(text).some(({ doubtful }) => doubtful) ? 'doubtful' : 'certain').toBe(expected);
  });

  test('in doubt too often is said to be so', () => {
    expect(readings('SELECT when / 2 FROM t')).toHaveLength(2);
    expect(readings('SELECT when / 2; '.repeat(40))).toBeUndefined();
  });
});

describe('the ends of statements', () => {
  test('are where the server sees them', { timeout: 60_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    let certain = 0;
    for (let run = 0; run < 400; run++) {
      const text = `${randomText(random)}\n; RETURN "seen"`;
      const replies = await own.engine.query(text, place).catch((error: unknown) => String(error));
      if (!Array.isArray(replies)) continue;
      expect(replies.at(-1), `seed ${seed}: ${text}`).toBe('seen');
      const counts = readings(text)?.map((tokens) => splitStatements(tokens).statements.length);
      expect(counts, `seed ${seed}: ${text}`).toContain(replies.length);
      const split = splitStatements(tokenize(text));
      if (!split.certain) continue;
      certain++;
      expect(split.statements.length, `seed ${seed}: ${text}`).toBe(replies.length);
      // What is put between two statements is a statement of its own.
      const parts = split.statements.map(({ start, end }) => text.slice(start, end));
      const between = await own.engine.query(parts.join('\n;\nRETURN "between"\n;\n'), place);
      expect(
        between.filter((_, at) => at % 2 === 0),
        `seed ${seed}: ${text}`,
      ).toEqual(replies);
      expect(between.filter((_, at) => at % 2 === 1)).toEqual(new Array(replies.length - 1).fill('between'));
    }
    expect(certain).toBeGreaterThan(150);
  });
});

const gaps: Items = [' ', '\n', ' /* ; */ ', ' -- ;\n', " # ; '\r", ' // ; "\u2028', '\u00a0', '/**/', '\t-- \u0085'];
const values: Items = [
  '1',
  '";"',
  "'\\';'",
  '"\\\\"',
  "s';'",
  '(1; )',
  '{ 1; 2 }',
  '{ a: "}" }',
  '{ LET $y = 1; RETURN $y }',
  "('a' = /;/)",
  "(1 OUTSIDE /'/)",
  "([1] CONTAINS /;\\/'/)",
  '([1] ∋ /"/)',
  '(1 INTERSECTS /`/)',
  '[1, 2][0] / 2',
  '`a;b`',
  '⟨a;"b⟩',
  '$p / 2',
  '6 / 2 / 3',
  '"a" / 2',
  'IF true { 1; } ELSE { 2; }',
  'd"2020-01-01T00:00:00Z"',
  'r"a:1"',
  '1h30m',
  '(SELECT * FROM thing WHERE a.when / 2 = 1)',
  '<string> 1',
];

function randomText(random: Random): string {
  const gap = (): string => oneOf(random, gaps);
  const statements = Array.from({ length: between(random, 1, 4) }, () => {
    const value =
      random() < 0.7 ? oneOf(random, values) : `[${oneOf(random, values)},${gap()}${oneOf(random, values)}]`;
    return `${oneOf(random, ['RETURN', 'return', 'LET $x =', 'SELECT VALUE 1 FROM ONLY'])}${gap()} ${value}`;
  });
  return statements.join(`${gap()};${gap()}`);
}
