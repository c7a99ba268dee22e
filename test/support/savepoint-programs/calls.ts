import { inspect } from 'node:util';
import { type BoundQuery, DateTime, Decimal, Duration, eq, RecordId, surql, Table, Uuid } from 'surrealdb';
import type { Transaction } from '../../../src/index.js';
import { between, oneOf, type Random } from '../seeded-random.js';
import { type Hot, someName, type Table as TableName } from './schema.js';

/** What a program keeps of the answers it was given, to use in later calls. */
export class Memory {
  readonly moments: DateTime[] = [];
  readonly texts: string[] = [];
  readonly numbers = new Map<number, number>();

  /** A memory of its own that begins with what this one has. */
  copy(): Memory {
    const copy = new Memory();
    copy.moments.push(...this.moments);
    copy.texts.push(...this.texts);
    for (const [key, value] of this.numbers) copy.numbers.set(key, value);
    return copy;
  }

  keep(answer: unknown): void {
    if (answer instanceof DateTime) this.moments.push(answer);
    else if (answer instanceof Uuid) this.texts.push(answer.toString());
    else if (typeof answer === 'string' && answer.startsWith('rnd_')) this.texts.push(answer);
    else if (Array.isArray(answer)) for (const item of answer) this.keep(item);
    else if (typeof answer === 'object' && answer !== null && Object.getPrototypeOf(answer) === Object.prototype) {
      for (const key of Object.keys(answer).sort()) this.keep((answer as Record<string, unknown>)[key]);
    }
  }
}

/** One call of a program. */
export interface Call {
  /** The call as a reader of a failed test sees it. */
  readonly label: string;
  readonly reads: readonly TableName[];
  readonly writes: readonly TableName[];
  run(transaction: Transaction, memory: Memory): PromiseLike<unknown>;
  /** It fails for certain. */
  readonly fails?: boolean;
  /** It may give something else when it is run again. */
  readonly impure?: boolean;
  /** It gives back a moment, or a random value, that an earlier answer showed. */
  readonly givesBack?: 'moment' | 'text';
  /** What tells the same about the data, for the program that never makes the call. */
  readonly instead?: Call;
}

export type Bindings = Record<string, unknown>;

const item = (n: number) => new RecordId('item', n);

/** Values of many types, also those that a client or a codec may change on the way. */
const oddValues: readonly [() => unknown, ...(() => unknown)[]] = [
  () => JSON.parse('{ "a": 1, "__proto__": { "x": 2 } }'),
  () => JSON.parse('[{ "__proto__": 1 }, { "constructor": 2 }]'),
  () => ({ deep: { deeper: [1, { deepest: null }] }, none: undefined }),
  () => undefined,
  () => null,
  () => Number.POSITIVE_INFINITY,
  () => Number.NaN,
  () => -0,
  () => 1.5,
  () => 9_007_199_254_740_993n,
  () => new Decimal('1.50'),
  () => new DateTime('2001-02-03T04:05:06.123456789Z'),
  () => new Date('2001-02-03T04:05:06.123Z'),
  () => new Uuid('00000000-0000-7000-8000-000000000000'),
  () => new RecordId('item', [1, 'a', { b: null }]),
  () => new Duration('1h30m'),
  () => new Uint8Array([0, 1, 255]),
  () => 'with "quotes", \'single\' and ; -- a comment',
  () => '',
  () => ({ id: 'not an id', value: 1 }),
];

/** Bindings that the text does not use: fields, events and computed fields may. */
export function hiddenBindings({ random, hot }: Pick<Source, 'random' | 'hot'>): Bindings {
  const bindings: Bindings = {};
  for (let n = between(random, 0, 4); n > 0; n--) {
    bindings[someName(random, hot)] =
      random() < 0.8 ? oneOf(random, ['ada', 'bob', 'eve']) : oneOf(random, oddValues)();
  }
  for (let n = between(random, 0, 2); n > 0; n--) bindings[oneOf(random, hot.numbers)] = between(random, 2, 9);
  return bindings;
}

/** @param extra what else is known of the call */
function text(
  sent: string,
  bindings: Bindings,
  touches: { reads?: readonly TableName[]; writes?: readonly TableName[] },
  extra: Partial<Call> = {},
): Call {
  return {
    label: `${sent} ${inspect(bindings, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })}`,
    reads: touches.reads ?? [],
    writes: touches.writes ?? [],
    run: (transaction) => transaction.query(sent, bindings).collect(),
    ...extra,
  };
}

function built(
  label: string,
  touches: { reads?: readonly TableName[]; writes?: readonly TableName[] },
  run: (transaction: Transaction) => PromiseLike<unknown>,
): Call {
  return { label, reads: touches.reads ?? [], writes: touches.writes ?? [], run };
}

/** What calls are made of while a program is generated. */
export interface Source {
  readonly random: Random;
  readonly hot: Hot;
  /** A number that no other call of the program has. */
  fresh(): number;
}

export const returns = [
  '',
  ' RETURN NONE',
  ' RETURN BEFORE',
  ' RETURN AFTER',
  ' RETURN DIFF',
  ' RETURN VALUE label',
] as const;

/** A call that writes as a text. */
export function writingText(source: Source, end: string = oneOf(source.random, returns)): Call {
  const { random, fresh } = source;
  const hidden = hiddenBindings(source);
  const n = between(random, 0, 3);
  const bindings = { ...hidden, n };
  const price = between(random, 1, 9);
  const item = { reads: ['item'], writes: ['item'] } as const;
  const doc = { reads: ['doc'], writes: ['doc'] } as const;
  const make = oneOf(random, [
    () => text(`UPSERT item:${n} SET label = ${n}, price = ${price}${end}`, hidden, item),
    () =>
      text(
        `UPSERT item:${n} SET label = $n, price = $price, note = $note${end}`,
        { ...bindings, price, note: oneOf(random, oddValues)() },
        item,
      ),
    () => text(`CREATE item:${fresh()} SET label = $n, price = 1${end}`, bindings, item),
    () => text(`CREATE item:${fresh()} CONTENT { label: ${n}, amount: ${price} }${end} -- a remark`, hidden, item),
    () => text(`UPDATE item SET price = ${price}${end}`, hidden, item),
    () => text(`DELETE item:${between(random, 1, 3)} RETURN BEFORE`, hidden, item),
    () =>
      text(
        `INSERT INTO item [{ id: ${fresh()}, label: $n, price: 2 }, { id: ${fresh()}, label: 5 }]${end}`,
        bindings,
        item,
      ),
    () =>
      text(`INSERT INTO item { id: ${n}, label: ${n} } ON DUPLICATE KEY UPDATE price = ${price}${end}`, hidden, item),
    () => text(`FOR $i IN 0..3 { UPSERT type::record('item', $i) SET label = $i, price = $n }`, bindings, item),
    () =>
      text(
        `IF $n > 1 { UPDATE item:1 SET price = $n${end} } ELSE { UPDATE item:2 SET price = 7${end} }`,
        bindings,
        item,
      ),
    () => text(`LET $user = 'let'; LET $rate = 7; UPSERT item:${n} SET label = ${n}, price = 2${end}`, hidden, item),
    () => text(`LET $l = ${price}; UPSERT item:${n} SET label = $n, price = $l${end}; RETURN $l`, bindings, item),
    () =>
      text(
        `UPSERT item:${n} SET label = ${n}, price = 1${end}; UPSERT doc:${n} SET label = ${n}, body = 'two'${end}`,
        hidden,
        { writes: ['item', 'doc'] },
      ),
    () =>
      text(`{ LET $x = $n; UPSERT item:${n} SET label = ${n}, price = $x${end}; RETURN [$x, $user]; }`, bindings, item),
    () =>
      text(`RETURN { LET $user = 'block'; RETURN (UPSERT item:${n} SET label = ${n}, price = 3${end}) }`, hidden, item),
    () => text(`RELATE item:1->likes:${fresh()}->item:2 SET label = $n${end}`, bindings, { writes: ['likes'] }),
    () =>
      text(
        `CREATE note:${fresh()} SET label = $n, data = $data${end}`,
        { ...bindings, data: oneOf(random, oddValues)() },
        { writes: ['note'] },
      ),
    () => text(`CREATE doc:${fresh()} SET label = $n, body = 'new'${end}`, bindings, doc),
    () => text(`UPDATE doc:${between(random, 0, 2)} SET body = 'of ${fresh()}'${end}`, hidden, doc),
    () =>
      text(`UPDATE acc:${between(random, 0, 3)} SET n += ${price}${end}`, hidden, { reads: ['acc'], writes: ['acc'] }),
    () => text('SELECT * FROM watched', hidden, { reads: ['watched', 'log'], writes: ['log'] }),
    () => text('RETURN (SELECT VALUE hit FROM watched:0)', hidden, { reads: ['watched', 'log'], writes: ['log'] }),
  ]);
  return make();
}

/** A call that writes by a builder. */
export function writingBuilder({ random, fresh }: Source): Call {
  const n = between(random, 0, 2);
  const price = between(random, 1, 9);
  const output = oneOf(random, ['none', 'before', 'after', 'diff'] as const);
  const data = oneOf(random, oddValues)();
  const table = new Table('item');
  const touches = { reads: ['item'], writes: ['item'] } as const;
  const make = oneOf(random, [
    () => {
      const id = fresh();
      return built(`create(item:${id}).content(…${price})`, touches, (q) =>
        q.create(item(id)).content({ label: id, price }),
      );
    },
    () => {
      const label = fresh();
      return built(`create(note).content(${label})`, { writes: ['note'] }, (q) =>
        q.create(new Table('note')).content({ label, data }),
      );
    },
    () => {
      const label = fresh();
      return built(`insert(note, two rows of ${label})`, { writes: ['note'] }, (q) =>
        q.insert(new Table('note'), [
          { label, a: 1 },
          { label, a: 2 },
        ]),
      );
    },
    () => {
      const id = fresh();
      return built(`insert(item, ${id})`, touches, (q) => q.insert(table, [{ id: item(id), label: id, price }]));
    },
    () => {
      const label = fresh();
      return built(`relate(item:1, likes, item:2, ${label})`, { writes: ['likes'] }, (q) =>
        q.relate(item(1), new Table('likes'), item(2), { label }),
      );
    },
    () =>
      built(`update(item:${n}).merge(${price}).output(${output})`, touches, (q) =>
        q.update(item(n)).merge({ label: n, price }).output(output),
      ),
    () => built(`update(item:${n}).content(${price})`, touches, (q) => q.update(item(n)).content({ label: n, price })),
    () =>
      built(`update(item:${n}).patch(replace price ${price})`, touches, (q) =>
        q.update(item(n)).patch([{ op: 'replace', path: '/price', value: price }]),
      ),
    () =>
      built(`update(item).merge(${price}).where(label = ${n}).output(${output})`, touches, (q) =>
        q.update(table).merge({ price }).where(eq('label', n)).output(output),
      ),
    () =>
      built(`upsert(item:${n}).content(${price}).output(${output})`, touches, (q) =>
        q.upsert(item(n)).content({ label: n, price }).output(output),
      ),
    () =>
      built(`upsert(doc:${n}).merge(${price})`, { reads: ['doc'], writes: ['doc'] }, (q) =>
        q.upsert(new RecordId('doc', n)).merge({ label: n, body: `b${price}` }),
      ),
    () => built(`delete(item:${n + 1})`, touches, (q) => q.delete(item(n + 1))),
    () => {
      const query: BoundQuery = surql`UPSERT item:1 SET label = 1, price = ${price}, note = ${n} RETURN NONE`;
      return built(`surql UPSERT item:1 ${price}`, touches, (q) => q.query(query).collect());
    },
    () =>
      built(`text of another SDK: UPSERT item:2, bind__0 = ${price}`, touches, (q) =>
        q
          .query('UPSERT item:2 SET label = 2, price = $bind__0, bound = $bind__1 RETURN NONE', {
            bind__0: price,
            bind__1: n,
          })
          .collect(),
      ),
  ]);
  return make();
}

/** A call that reads. */
export function readingCall(source: Source): Call {
  const { random } = source;
  const hidden = hiddenBindings(source);
  const n = between(random, 0, 3);
  const make = oneOf(random, [
    () => text('SELECT * FROM item', hidden, { reads: ['item'] }),
    () => text(`SELECT * FROM item:${n}`, hidden, { reads: ['item'] }),
    () =>
      text(
        'SELECT label, by, price FROM item WHERE price > $limit ORDER BY label',
        { limit: 1, ...hidden },
        { reads: ['item'] },
      ),
    () => text('RETURN count(SELECT VALUE price FROM item)', hidden, { reads: ['item'] }),
    () => text('SELECT * FROM doc', hidden, { reads: ['doc'] }),
    () => text('SELECT VALUE updated_at FROM doc', hidden, { reads: ['doc'] }),
    () => text('SELECT * FROM audit', hidden, { reads: ['audit'] }),
    () => text('SELECT * FROM shop', hidden, { reads: ['shop'] }),
    () => text('SELECT VALUE n FROM acc', hidden, { reads: ['acc'] }),
    () => text('RETURN math::sum(SELECT VALUE n FROM acc)', hidden, { reads: ['acc'] }),
    () => text('RETURN [$user, $rate, $bind__0, $r0_user, $value, $before]', hidden, {}),
    () =>
      // The server chooses ids of notes and edges, and by these their order.
      text(
        'SELECT label, data FROM note ORDER BY label; SELECT label, by FROM likes ORDER BY label; SELECT * FROM log',
        hidden,
        {
          reads: ['note', 'likes', 'log'],
        },
      ),
    () => text('RETURN count(item:1->likes->item)', hidden, { reads: ['item', 'likes'] }),
    () => built('select(item)', { reads: ['item'] }, (q) => q.select(new Table('item'))),
    () => built(`select(acc:${n})`, { reads: ['acc'] }, (q) => q.select(new RecordId('acc', n))),
    () =>
      built(`select(acc).where(label = ${n})`, { reads: ['acc'] }, (q) =>
        q.select(new Table('acc')).where(eq('label', n)),
      ),
  ]);
  return make();
}

/** Reads a balance and keeps it, so that a later call may write what follows from it. */
export function balanceRead({ random }: Source): Call {
  const n = between(random, 0, 3);
  return {
    label: `SELECT VALUE n FROM ONLY acc:${n}, kept`,
    reads: ['acc'],
    writes: [],
    async run(transaction, memory) {
      const [balance] = await transaction.query<[number]>(`SELECT VALUE n FROM ONLY acc:${n}`);
      if (typeof balance === 'number') memory.numbers.set(n, balance);
      return balance;
    },
  };
}

/** Writes a balance that follows from the one it was told. */
export function balanceWrite({ random }: Source): Call {
  const n = between(random, 0, 3);
  return {
    label: `UPSERT acc:${n} SET n = what was read - 10`,
    reads: ['acc'],
    writes: ['acc'],
    async run(transaction, memory) {
      const balance = memory.numbers.get(n) ?? 1;
      return await transaction.query(`UPSERT acc:${n} SET n = $n, label = ${n} RETURN NONE`, { n: balance - 10 });
    },
  };
}

/** Reads all copies, which others may have written as well. */
export function copyRead(source: Source): Call {
  return text('SELECT * FROM copy', hiddenBindings(source), { reads: ['copy'] });
}

/** Creates a record whose answer does not show what the server made of it. */
export function hiddenCreate(source: Source): Call {
  const { random, fresh } = source;
  const table = oneOf(random, ['item', 'item', 'doc'] as const);
  const sent = `CREATE ${table}:${fresh()} SET label = ${between(random, 0, 3)}, price = 1 RETURN NONE`;
  return text(sent, hiddenBindings(source), { writes: [table] });
}

/** Writes a record whose answer shows the moments that the server made for it. */
export function shownWrite(source: Source): Call {
  const { random, fresh } = source;
  const sent = oneOf(random, [
    `CREATE doc:${fresh()} SET label = 1, body = 'new'`,
    `UPDATE doc:${between(random, 0, 2)} SET body = 'shown'`,
    `UPDATE doc SET body = 'shown'`,
  ]);
  return text(sent, hiddenBindings(source), { reads: ['doc'], writes: ['doc'] });
}

/** Reads what the server made of the records, the random values above all. */
export function madeRead(source: Source): Call {
  const { random } = source;
  const made = oneOf(random, [
    'SELECT * FROM item',
    'SELECT * FROM audit',
    'SELECT * FROM doc',
    'SELECT VALUE token FROM item',
  ]);
  return text(made, hiddenBindings(source), { reads: ['item', 'audit', 'doc'] });
}
