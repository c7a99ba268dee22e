import type { SurrealQueryable } from 'surrealdb';
import { between, oneOf, type Random } from './seeded-random.js';

/**
 * Reads of every kind the language has, over one small set of tables, and the writes that go before them. Each read gives
 * the same answer whenever it is asked of the same data: what it says inside a transaction must be what it says after
 * the commit.
 *
 * Left out is what SurrealDB 3.0 answers wrong outside of transactions as well: `>` on an index, and computed fields of
 * a whole record that an index found.
 */
export interface Read {
  readonly name: string;
  readonly text: string;
}

/** Takes the tables away first, so that a server that has seen other tests starts anew. */
export const schema: readonly string[] = [
  'REMOVE TABLE IF EXISTS sales; REMOVE TABLE IF EXISTS dear; REMOVE TABLE IF EXISTS sale',
  'REMOVE TABLE IF EXISTS knows; REMOVE TABLE IF EXISTS post; REMOVE TABLE IF EXISTS diary; REMOVE TABLE IF EXISTS person',
  'REMOVE TABLE IF EXISTS reading; REMOVE ANALYZER IF EXISTS words; REMOVE FUNCTION IF EXISTS fn::person',
  'DEFINE TABLE person',
  'DEFINE FIELD name ON person TYPE option<string>',
  'DEFINE FIELD double ON person COMPUTED (v ?? 0) * 2',
  'DEFINE FIELD posts ON person COMPUTED <~post',
  'DEFINE INDEX by_name ON person FIELDS name',
  'DEFINE INDEX by_name_and_v ON person FIELDS name, v',
  'DEFINE INDEX by_email ON person FIELDS email UNIQUE',
  'DEFINE INDEX by_tag ON person FIELDS tags',
  'DEFINE INDEX total ON person COUNT',
  'DEFINE ANALYZER words TOKENIZERS blank FILTERS lowercase',
  'DEFINE INDEX by_text ON person FIELDS bio FULLTEXT ANALYZER words BM25 HIGHLIGHTS',
  'DEFINE TABLE knows TYPE RELATION IN person OUT person',
  'DEFINE TABLE post',
  'DEFINE FIELD author ON post TYPE option<record<person>> REFERENCE',
  'DEFINE TABLE sale',
  'DEFINE TABLE sales AS SELECT count() AS times, math::sum(price) AS sum, what FROM sale GROUP BY what',
  'DEFINE TABLE dear AS SELECT what, price FROM sale WHERE price > 1',
  'DEFINE TABLE diary',
  'DEFINE EVENT noted ON person WHEN $event != "DELETE" THEN { UPSERT type::record("diary", record::id($after.id)) SET what = $event, who = $after.id }',
  'DEFINE TABLE reading',
  'DEFINE FUNCTION fn::person($id: record<person>) { RETURN SELECT * FROM ONLY $id }',
];

/** What is there before a transaction begins. */
export const rows: readonly string[] = [
  `CREATE person:1 SET name = 'a', email = 'a@x', v = 1, tags = ['red', 'blue'], bio = 'likes old maps', at = { x: 1, y: [1, 2] }`,
  `CREATE person:2 SET name = 'b', email = 'b@x', v = 2, tags = ['red'], bio = 'likes new maps', best = person:1`,
  `CREATE person:3 SET name = 'c', email = 'c@x', v = 3, tags = [], bio = 'likes nothing', best = person:2`,
  'RELATE person:1->knows:1->person:2 SET since = 1',
  'RELATE person:2->knows:2->person:3 SET since = 2',
  `CREATE post:1 SET title = 'first', author = person:1`,
  'CREATE reading:[1, 10] SET degrees = 1, spot = [1, 1]',
  'CREATE reading:[1, 20] SET degrees = 2, spot = [2, 2]',
  'CREATE reading:[2, 10] SET degrees = 3, spot = [9, 9]',
  `CREATE sale:1 SET what = 'tea', price = 1`,
  `CREATE sale:2 SET what = 'tea', price = 2`,
];

/** One of each kind; every one changes what some of the reads answer. */
export const writes: readonly string[] = [
  `UPDATE person:1 SET name = 'z', v = 2, bio = 'likes new boats'`,
  `CREATE person:4 SET name = 'b', email = 'd@x', v = 1, tags = ['blue', 'green'], bio = 'old boats', best = person:1, at = { x: 4, y: [4] }`,
  'RELATE person:4->knows:3->person:1 SET since = 3',
  'RELATE person:3->knows:4->person:4 SET since = 4',
  `CREATE post:2 SET title = 'second', author = person:4`,
  'UPDATE post:1 SET author = person:2',
  `INSERT INTO person [{ id: 5, name: 'e', email: 'e@x', v: 5, bio: 'maps and boats', best: person:4 }, { id: 6, name: 'b', v: 6 }]`,
  'INSERT RELATION INTO knows { id: 5, in: person:5, out: person:6, since: 5 }',
  `UPSERT person:7 MERGE { name: 'g', v: 7, best: person:5 }`,
  'DELETE person:3',
  'UPDATE knows:1 SET since = 9',
  'CREATE reading:[1, 15] SET degrees = 9, spot = [3, 1]',
  'UPDATE reading:[1, 20] SET degrees = 8, spot = [7, 7]',
  `CREATE sale:3 SET what = 'salt', price = 3`,
  `CREATE sale:4 SET what = 'tea', price = 4`,
  'UPDATE sale:1 SET price = 5',
];

export const reads: readonly Read[] = [
  { name: 'a record', text: 'SELECT * FROM person:1' },
  { name: 'a created record', text: 'SELECT * FROM person:4' },
  { name: 'an inserted record', text: 'SELECT * FROM person:5' },
  { name: 'an upserted record', text: 'SELECT * FROM person:7' },
  { name: 'a deleted record', text: 'SELECT * FROM person:3' },
  { name: 'a record by ONLY', text: 'SELECT * FROM ONLY person:4' },
  { name: 'the id of a record', text: 'SELECT VALUE id FROM person:1' },
  { name: 'records of several ids', text: 'SELECT id, v FROM person:1, person:4, person:5' },
  { name: 'a range of ids', text: 'SELECT id, v FROM person:2..6' },
  { name: 'a range of ids in compound keys', text: 'SELECT * FROM reading:[1, NONE]..=[1, ..]' },
  { name: 'an edge by its id', text: 'SELECT * FROM knows:3' },
  { name: 'an edge that was changed', text: 'SELECT * FROM knows:1' },
  { name: 'a whole table', text: 'SELECT * FROM person' },
  { name: 'a whole table of edges', text: 'SELECT * FROM knows' },
  { name: 'several tables', text: 'SELECT VALUE id FROM person, post' },
  { name: 'WHERE id =', text: 'SELECT VALUE v FROM person WHERE id = person:1' },
  { name: 'WHERE id = of a created record', text: 'SELECT VALUE v FROM person WHERE id = person:4' },
  { name: 'WHERE id IN', text: 'SELECT VALUE v FROM person WHERE id IN [person:1, person:5]' },
  { name: 'WHERE id >', text: 'SELECT VALUE v FROM person WHERE id > person:3' },
  { name: 'WHERE on a record itself', text: 'SELECT VALUE v FROM person:4 WHERE id = person:4' },
  { name: 'WHERE without an index', text: 'SELECT id, at FROM person WHERE at.x = 4' },
  { name: 'an index', text: `SELECT VALUE id FROM person WHERE name = 'b'` },
  { name: 'an index over two fields', text: `SELECT VALUE id FROM person WHERE name = 'b' AND v = 1` },
  { name: 'a range of an index', text: `SELECT VALUE id FROM person WHERE name >= 'c'` },
  { name: 'a unique index', text: `SELECT VALUE id FROM person WHERE email = 'd@x'` },
  {
    name: 'a unique index with several fields',
    text: `SELECT id, name, email, v, best FROM person WHERE email = 'd@x'`,
  },
  { name: 'an index over the items of an array', text: `SELECT VALUE id FROM person WHERE tags CONTAINS 'blue'` },
  { name: 'two indexes', text: `SELECT VALUE id FROM person WHERE name = 'b' OR email = 'a@x' ORDER BY id` },
  { name: 'no index', text: `SELECT VALUE id FROM person WITH NOINDEX WHERE name = 'b'` },
  { name: 'full text', text: `SELECT id, bio FROM person WHERE bio @@ 'boats' ORDER BY id` },
  {
    name: 'full text with score and highlight',
    text: `SELECT id, search::highlight('<', '>', 1) AS marked FROM person WHERE bio @1@ 'boats' ORDER BY id`,
  },
  { name: 'edges out', text: 'SELECT VALUE ->knows->person FROM person:1' },
  { name: 'edges out of a created record', text: 'SELECT VALUE ->knows->person FROM person:4' },
  { name: 'edges in', text: 'SELECT VALUE <-knows<-person FROM person:1' },
  { name: 'edges both ways', text: 'SELECT VALUE array::sort(<->knows<->person) FROM person:1' },
  {
    name: 'edges of every record',
    text: 'SELECT id, ->knows->person AS known, <-knows<-person AS knowing FROM person',
  },
  { name: 'edges themselves', text: 'SELECT VALUE ->knows.* FROM person:4' },
  { name: 'edges that meet a condition', text: 'SELECT VALUE ->(knows WHERE since > 2)->person FROM person:4' },
  { name: 'edges over two steps', text: 'SELECT VALUE ->knows->person->knows->person FROM person:4' },
  { name: 'fields behind edges', text: 'SELECT VALUE ->knows->person.name FROM person:4' },
  { name: 'records behind edges', text: 'SELECT VALUE ->knows->person.* FROM person:4' },
  { name: 'edges of an id alone', text: 'RETURN person:4->knows->person' },
  { name: 'the ends of an edge', text: 'SELECT in, out, in.name, out.name FROM knows' },
  { name: 'recursion', text: 'RETURN person:4.{1..3}->knows->person' },
  { name: 'recursion as a tree', text: 'RETURN person:4.{1..3}.{ id, name, known: ->knows->person.@ }' },
  { name: 'recursion that collects', text: 'RETURN person:4.{..+collect}->knows->person' },
  { name: 'recursion along a link', text: 'RETURN person:7.{1..4}.best' },
  { name: 'references', text: 'SELECT VALUE <~post FROM person:4' },
  { name: 'references to a changed record', text: 'SELECT VALUE <~post FROM person:1' },
  { name: 'references of every record', text: 'SELECT id, <~post AS written FROM person' },
  { name: 'references as a whole', text: 'SELECT VALUE <~post.* FROM person:4' },
  { name: 'references of one field', text: 'RETURN person:4<~(post FIELD author)' },
  { name: 'a computed field', text: 'SELECT id, double, posts FROM person' },
  { name: 'a computed field of one record', text: 'SELECT VALUE double FROM ONLY person:4' },
  { name: 'a link', text: 'SELECT id, best.name FROM person' },
  { name: 'a link of a link', text: 'SELECT id, best.best.best.id AS far FROM person:7' },
  { name: 'a link of a link from an id', text: 'RETURN person:7.best.best.name' },
  { name: 'a record by its id alone', text: 'RETURN person:1.*' },
  { name: 'some fields of an id alone', text: 'RETURN person:4.{ id, name, at: at.x }' },
  { name: 'the id of an id', text: 'RETURN person:1.id' },
  { name: 'a field of several ids', text: 'RETURN [person:1, person:4, person:5].name' },
  { name: 'whether a record exists', text: 'RETURN record::exists(person:4)' },
  { name: 'whether a changed record exists', text: 'RETURN person:1.exists()' },
  { name: 'whether a deleted record exists', text: 'RETURN record::exists(person:3)' },
  { name: 'FETCH', text: 'SELECT * FROM post FETCH author' },
  { name: 'FETCH of a link of a link', text: 'SELECT * FROM person:7 FETCH best, best.best' },
  { name: 'FETCH of edges', text: 'SELECT id, ->knows->person AS known FROM person FETCH known' },
  { name: 'FETCH of the ends of an edge', text: 'SELECT * FROM knows FETCH in, out' },
  { name: 'ORDER BY', text: 'SELECT id, name FROM person ORDER BY name, id' },
  { name: 'ORDER BY an index', text: 'SELECT id, name, v FROM person ORDER BY name, v' },
  { name: 'ORDER BY id', text: 'SELECT VALUE id FROM person ORDER BY id DESC' },
  { name: 'LIMIT and START', text: 'SELECT id, v FROM person ORDER BY v DESC, id LIMIT 2 START 1' },
  { name: 'LIMIT of a table', text: 'SELECT * FROM person LIMIT 2' },
  {
    name: 'GROUP BY',
    text: 'SELECT name, count() AS people, array::group(id) AS ids FROM person GROUP BY name ORDER BY name',
  },
  { name: 'GROUP ALL', text: 'SELECT math::sum(v) AS sum, count() AS people FROM person GROUP ALL' },
  { name: 'count of a table', text: 'SELECT count() FROM person GROUP ALL' },
  { name: 'count of a table by no index', text: 'SELECT count() FROM knows GROUP ALL' },
  { name: 'count of an index', text: `SELECT count() FROM person WHERE name = 'b' GROUP ALL` },
  { name: 'count of edges', text: 'SELECT id, count(->knows) AS known FROM person' },
  { name: 'SPLIT', text: 'SELECT id, tags FROM person WHERE tags != NONE SPLIT tags' },
  { name: 'OMIT', text: 'SELECT * OMIT bio, tags FROM person:1' },
  { name: 'VALUE', text: 'SELECT VALUE name FROM person' },
  { name: 'DISTINCT', text: 'RETURN array::sort(array::distinct(SELECT VALUE name FROM person))' },
  {
    name: 'a subquery',
    text: 'SELECT id, (SELECT VALUE id FROM post WHERE author = $parent.id) AS written FROM person',
  },
  { name: 'a subquery as the source', text: 'SELECT id, name FROM (SELECT * FROM person WHERE v > 1)' },
  { name: 'a subquery in WHERE', text: 'SELECT VALUE id FROM person WHERE id IN (SELECT VALUE author FROM post)' },
  { name: 'the parent', text: 'SELECT id, (SELECT VALUE $parent.name FROM ONLY post:2) AS named FROM person:4' },
  { name: 'a block', text: '{ LET $found = SELECT * FROM person:4; RETURN $found[0].id }' },
  { name: 'IF', text: `IF record::exists(person:4) { person:4.name } ELSE { 'nothing' }` },
  {
    name: 'FOR',
    text: '{ FOR $one IN (SELECT * FROM person ORDER BY id DESC) { IF $one.v > 1 { RETURN $one.id } } }',
  },
  { name: 'a closure', text: 'RETURN [person:1, person:4].map(|$id| $id.name)' },
  { name: 'a function', text: 'RETURN fn::person(person:4)' },
  { name: 'a view that groups', text: 'SELECT * FROM sales ORDER BY what' },
  { name: 'a record of a view', text: `SELECT * FROM sales:['tea']` },
  { name: 'a view that does not group', text: 'SELECT * FROM dear' },
  { name: 'a record of a view that does not group', text: 'SELECT * FROM dear:3' },
  { name: 'the id of a record of a view', text: `RETURN dear:3.id` },
  { name: 'what an event wrote', text: 'SELECT * FROM diary' },
  { name: 'a record an event wrote', text: 'SELECT * FROM diary:4' },
  { name: 'a link out of what an event wrote', text: 'SELECT what, who.name FROM diary:4' },
  { name: 'the nearest', text: 'SELECT id, degrees FROM reading WHERE spot <|2,EUCLIDEAN|> [2, 1]' },
  { name: 'edges in WHERE', text: 'SELECT VALUE id FROM person WHERE ->knows->person CONTAINS person:1' },
  { name: 'a link in WHERE', text: `SELECT VALUE id FROM person WHERE best.name = 'z'` },
  { name: 'records behind edges as the source', text: 'SELECT id, name FROM person:4->knows->person' },
  {
    name: 'a count of what a subquery finds',
    text: `RETURN count(SELECT * FROM person WHERE id IN [person:1, person:4])`,
  },
  { name: 'a mean', text: 'SELECT math::mean(v) AS mean FROM person GROUP ALL' },
  { name: 'ALL INSIDE ids', text: 'RETURN (SELECT VALUE id FROM person:1, person:4) ALLINSIDE [person:1, person:4]' },
  { name: 'record of a bound id', text: `SELECT * FROM type::record('person', 4)` },
  { name: 'records of a table by its name', text: `SELECT VALUE id FROM type::table('person')` },
  { name: 'the parts of an id', text: 'SELECT VALUE [record::tb(id), record::id(id), meta::id(id)] FROM person:4' },
];

/** What each of these reads answers in a pool, a session or a transaction, by its name: the value, or the error's message. */
export async function answersTo(
  asked: readonly Read[],
  where: Pick<SurrealQueryable, 'query'>,
): Promise<Map<string, unknown>> {
  const answers = new Map<string, unknown>();
  for (const { name, text } of asked) {
    const last = (await where.query(text).responses()).at(-1);
    answers.set(`${name}: ${text}`, last?.success === false ? last.error.message : last?.result);
  }
  return answers;
}

const names: readonly [string, ...string[]] = ['a', 'b', 'c', 'z'];
const texts: readonly [string, ...string[]] = ['old boats', 'new boats', 'likes old maps', 'maps and boats'];

/** Gives random writes one after the other, none of which fails: it knows which records there are. */
export class RandomWrites {
  readonly #random: Random;
  readonly #people = new Set([1, 2, 3]);
  /** The ends of each edge, by the number of the edge. */
  readonly #edges = new Map<number, readonly [number, number]>([
    [1, [1, 2]],
    [2, [2, 3]],
  ]);
  /** Numbers given so far: those of deleted records are not given again. */
  #numbers = 10;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): string {
    const kinds = [
      this.#person,
      this.#change,
      this.#upsert,
      this.#remove,
      this.#edge,
      this.#post,
      this.#other,
    ] as const;
    return oneOf(this.#random, kinds).call(this);
  }

  #fields(number: number): string {
    const tags = oneOf(this.#random, ['[]', `['red']`, `['blue', 'green']`]);
    const [name, bio] = [oneOf(this.#random, names), oneOf(this.#random, texts)];
    const best = this.#anyone();
    const at = `{ x: ${between(this.#random, 1, 4)} }`;
    // The number keeps the unique index content.
    return `name: '${name}', email: '${number}@x', v: ${between(this.#random, 0, 9)}, tags: ${tags}, bio: '${bio}', best: person:${best}, at: ${at}`;
  }

  #anyone(): number {
    const [first = 1, ...others] = this.#people;
    return oneOf(this.#random, [first, ...others]);
  }

  #person(): string {
    const number = this.#people.has(4) ? ++this.#numbers : 4;
    const fields = this.#fields(number);
    this.#people.add(number);
    return between(this.#random, 0, 1) === 0
      ? `CREATE person:${number} CONTENT { ${fields} }`
      : `INSERT INTO person [{ id: ${number}, ${fields} }]`;
  }

  #change(): string {
    const number = this.#anyone();
    const what = oneOf(this.#random, [
      `SET v += 1`,
      `MERGE { ${this.#fields(number)} }`,
      `SET best = person:${this.#anyone()}`,
    ]);
    const where = oneOf(this.#random, ['', ` WHERE id = person:${number}`, ` WHERE record::exists(person:${number})`]);
    return `UPDATE person:${number} ${what}${where}`;
  }

  #upsert(): string {
    const number = oneOf(this.#random, [5, 7]);
    const fields = this.#fields(number);
    this.#people.add(number);
    return `UPSERT person:${number} MERGE { ${fields} }`;
  }

  #remove(): string {
    const number = this.#anyone();
    // Numbers that reads ask for come again only where a record was deleted and made anew by others; not here.
    if (this.#people.size < 4 || number === 4 || number === 5 || number === 7) return this.#change();
    this.#people.delete(number);
    for (const [edge, ends] of this.#edges) if (ends.includes(number)) this.#edges.delete(edge);
    return `DELETE person:${number}`;
  }

  #edge(): string {
    const [edge] = this.#edges.keys();
    if (edge !== undefined && between(this.#random, 0, 3) === 0) return `UPDATE knows:${edge} SET since += 10`;
    const [from, to, number] = [this.#anyone(), this.#anyone(), ++this.#numbers];
    this.#edges.set(number, [from, to]);
    return between(this.#random, 0, 1) === 0
      ? `RELATE person:${from}->knows:${number}->person:${to} SET since = ${number}`
      : `INSERT RELATION INTO knows { id: ${number}, in: person:${from}, out: person:${to}, since: ${number} }`;
  }

  #post(): string {
    const author = `author = person:${this.#anyone()}`;
    return between(this.#random, 0, 1) === 0
      ? `UPDATE post:1 SET ${author}`
      : `CREATE post:${++this.#numbers} SET ${author}`;
  }

  #other(): string {
    const number = ++this.#numbers;
    return oneOf(this.#random, [
      `CREATE reading:[1, ${number}] SET degrees = ${number}, spot = [${between(this.#random, 0, 9)}, 1]`,
      `UPDATE reading:[1, 20] SET degrees += 1, spot = [${between(this.#random, 0, 9)}, 2]`,
      `CREATE sale:${number} SET what = '${oneOf(this.#random, ['tea', 'salt'])}', price = ${between(this.#random, 2, 9)}`,
      'UPDATE sale:2 SET price += 1',
    ]);
  }
}
