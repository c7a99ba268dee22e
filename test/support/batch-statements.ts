import { DateTime, Decimal, Duration, RecordId, Table, Uuid } from 'surrealdb';

/** A single call: its text, and what it binds. */
export interface SingleCall {
  readonly text: string;
  readonly bindings: Record<string, unknown>;
}

/** What the calls find: things that would see parameters of another call, and records to fail on. */
export const schema = `
  DEFINE PARAM $site VALUE 'of the database';
  DEFINE FUNCTION fn::seen() { RETURN { v: $v, id: $id, site: $site, n: $n } };
  DEFINE TABLE watched SCHEMALESS;
  DEFINE FIELD seen ON watched VALUE { v: $v, id: $id, site: $site, n: $n };
  DEFINE TABLE heard SCHEMALESS;
  DEFINE EVENT hears ON watched THEN { UPSERT type::record('heard', record::id($after.id)) SET v = $v, site = $site };
  DEFINE TABLE typed SCHEMAFULL;
  DEFINE FIELD n ON typed TYPE int ASSERT $value > 0;
  DEFINE TABLE likes TYPE RELATION;
  DEFINE TABLE rec SCHEMALESS;
  CREATE fixed:1 SET n = 1, list = [1, 2], next = fixed:2;
  CREATE fixed:2 SET n = 2;
  CREATE |many:1..120|;
  CREATE counter:1 SET n = 0;
`;

/** Values of the types that parameters have, and some that no message can carry, or no server reads. */
export const values: readonly unknown[] = [
  ...[undefined, null, true, 0, -1.5, Number.NaN, 2n ** 62n, 2n ** 70n, 1e300],
  ...['', "it's $v } -- ; /*", '$id', '\u{1F600}\n', 'x'.repeat(5_000)],
  ...[new Uuid('018f2f2e-7c5b-7f00-8000-000000000001'), new RecordId('fixed', 1), new RecordId('fixed', 'a b`c')],
  ...[new RecordId('fixed', [1, { a: 'x' }]), new Table('fixed'), new Decimal('1.50'), new Duration('1h2m')],
  ...[new Date(0), new Date(Number.NaN), new DateTime('2024-01-01T00:00:00.123456789Z'), new Uint8Array([1, 2]).buffer],
  ...[{}, { a: { b: [1, { c: undefined }] } }, [], [[null], ['x', 1n]], new Set([1, 2]), () => 1, Symbol('no value')],
];

const own = (n: number): RecordId => new RecordId('rec', n);

/** Statements whose answer does not depend on the calls beside them: each writes what no other call does. */
export const statements: readonly ((n: number, value: unknown) => SingleCall)[] = [
  (n, v) => ({ text: 'RETURN $v', bindings: { v, n } }),
  (n, v) => ({ text: 'RETURN { v: $v, id: $id, site: $site, n: $n }', bindings: { v, id: n } }),
  () => ({ text: 'RETURN { v: $v, id: $id, site: $site, n: $n }', bindings: {} }),
  (n) => ({ text: 'RETURN fn::seen()', bindings: { n } }),
  (_n, v) => ({ text: 'RETURN fn::seen()', bindings: { v, site: 'of the call' } }),
  () => ({ text: 'RETURN fn::seen()', bindings: {} }),
  (n) => ({ text: `UPSERT watched:${n} SET own = 1`, bindings: {} }),
  (n) => ({ text: 'UPSERT ONLY $id SET own = $n', bindings: { id: new RecordId('watched', n), n } }),
  (n, v) => ({ text: 'UPSERT $id SET v = $v, n = $n RETURN BEFORE', bindings: { id: own(n), v, n } }),
  (n, v) => ({ text: 'UPSERT $id SET v = $v RETURN AFTER -- $v }', bindings: { id: own(n), v } }),
  (n) => ({ text: 'UPSERT $id SET a = $n RETURN DIFF # the end', bindings: { id: own(n), n } }),
  (n) => ({ text: 'UPSERT $id SET a = $n RETURN NONE; // }', bindings: { id: own(n), n } }),
  (n) => ({ text: 'CREATE ONLY $id CONTENT $c; /* } ; */', bindings: { id: own(n), c: { n, deep: { list: [n] } } } }),
  (n) => ({ text: 'INSERT INTO rec $rows RETURN id;;', bindings: { rows: [{ id: n, a: 1 }] } }),
  (n) => ({ text: 'RELATE $a->likes->$b SET id = $n RETURN in, out', bindings: { a: own(1), b: own(2), n } }),
  () => ({ text: 'CREATE fixed:1', bindings: {} }),
  () => ({ text: 'CREATE $id', bindings: { id: new RecordId('fixed', 1) } }),
  (n) => ({ text: 'CREATE typed:1 SET n = $n', bindings: { n: -n } }),
  () => ({ text: 'CREATE typed:2 SET n = $n', bindings: { n: 'no number' } }),
  (n) => ({ text: 'RETURN { THROW $n; }', bindings: { n: `thrown by ${n}` } }),
  () => ({ text: 'RETURN { THROW "thrown"; }', bindings: {} }),
  () => ({ text: 'UPDATE counter:1 SET n += 1 RETURN NONE', bindings: {} }),
  () => ({ text: 'UPDATE $id SET n += 1 RETURN NONE', bindings: { id: new RecordId('counter', 1) } }),
  () => ({ text: 'SELECT * FROM fixed', bindings: {} }),
  (n) => ({
    text: 'SELECT *, $n AS n, next.n AS m FROM $t ORDER BY id FETCH next',
    bindings: { t: new Table('fixed'), n },
  }),
  () => ({ text: 'SELECT * FROM ONLY $id', bindings: { id: new RecordId('fixed', 2) } }),
  () => ({ text: 'SELECT * FROM ONLY fixed', bindings: {} }),
  () => ({ text: 'SELECT VALUE id FROM many', bindings: {} }),
  (_n, v) => ({ text: 'SELECT VALUE [id, $v] FROM many WHERE true', bindings: { v } }),
  () => ({ text: 'SELECT * FROM fixed WHERE n = $n EXPLAIN', bindings: { n: 1 } }),
  () => ({ text: 'SELECT * FROM fixed WHERE n > $n TIMEOUT 5s', bindings: { n: 1 } }),
  (n) => ({
    text: 'SELECT *, (SELECT VALUE n FROM fixed WHERE n >= $m ORDER BY n) AS q FROM fixed:1',
    bindings: { m: n % 3 },
  }),
  () => ({ text: 'RETURN $id.next.n', bindings: { id: new RecordId('fixed', 1) } }),
  () => ({ text: 'RETURN $id FETCH next', bindings: { id: new RecordId('fixed', 1) } }),
  () => ({ text: 'RETURN 1; RETURN 2', bindings: {} }),
  (n) => ({ text: 'LET $v = $n; RETURN $v', bindings: { n } }),
  () => ({ text: 'SELECT * FORM fixed', bindings: {} }),
  (n) => ({ text: 'RETURN $n } ; { RETURN 2', bindings: { n } }),
  () => ({ text: 'SELECT * FROM nowhere', bindings: {} }),
  (n) => ({ text: 'RETURN $__proto__', bindings: JSON.parse(`{"__proto__": ${n}}`) as Record<string, unknown> }),
  (n) => ({ text: 'RETURN $auth', bindings: { auth: n } }),
  (n) => ({ text: 'RETURN $value', bindings: { value: n } }),
];
