import { DateTime, RecordId } from 'surrealdb';
import { between, oneOf } from '../seeded-random.js';
import { type Bindings, type Call, hiddenBindings, type Memory, type Source } from './calls.js';

/** A call that fails for certain, because of what it is or of what is stored in the beginning. */
export function failingCall(source: Source): Call {
  const { random, fresh } = source;
  const hidden = hiddenBindings(source);
  const sent = oneOf(random, [
    'CREATE item:0 SET label = 0',
    `UPSERT item:1 SET label = 1, price = 9; THROW 'no'`,
    `CREATE item:${fresh()} SET label = 1; CREATE item:0`,
    'INSERT INTO item [{ id: 9, label: 9 }, { id: 0, label: 0 }]',
    'UPDATE acc:1 SET n += 7; CREATE acc:0',
    "LET $user = 'failed'; UPDATE item:1 SET label = 1; THROW $user",
  ]);
  return {
    label: `${sent} (fails)`,
    reads: ['item', 'acc'],
    writes: ['item', 'acc'],
    fails: true,
    run: (transaction) => transaction.query(sent, hidden).collect(),
  };
}

/** Creates a record that may be there: whether it was is the answer, also when the call fails for that. */
export function attemptToCreate({ random }: Source): Call {
  const n = between(random, 2, 5);
  const touches = { reads: ['acc'], writes: ['acc'] } as const;
  return {
    label: `CREATE acc:${n}, which may be there`,
    ...touches,
    async run(transaction) {
      await transaction.query(`CREATE acc:${n} SET n = 5, label = ${n}`);
      return 'absent';
    },
    instead: {
      label: `whether acc:${n} is there`,
      reads: ['acc'],
      writes: [],
      async run(transaction) {
        const [found] = await transaction.query<[number]>(`RETURN (SELECT VALUE n FROM acc:${n}).len()`);
        return found > 0 ? 'there' : 'absent';
      },
    },
  };
}

/** What a failed attempt to create tells. */
export function toldByFailure(error: unknown): string {
  return error instanceof Error && /already exists/.test(error.message) ? 'there' : `failed: ${error}`;
}

/** A call of two statements of which the second fails: the answer to the first is seen, by `responses()`. */
export function partlyFailingCall({ random }: Source): Call {
  const n = between(random, 0, 3);
  const read = `SELECT VALUE n FROM ONLY acc:${n}`;
  const keep = (memory: Memory, balance: unknown): unknown => {
    if (typeof balance === 'number') memory.numbers.set(n, balance);
    return balance;
  };
  return {
    label: `${read}; CREATE acc:0 by responses()`,
    reads: ['acc'],
    writes: ['acc'],
    fails: true,
    async run(transaction, memory) {
      const [first] = await transaction.query(`${read}; CREATE acc:0`).responses();
      return keep(memory, first?.success ? first.result : undefined);
    },
    instead: {
      label: read,
      reads: ['acc'],
      writes: [],
      async run(transaction, memory) {
        const [balance] = await transaction.query(read);
        return keep(memory, balance);
      },
    },
  };
}

/** A moment as the server writes it: with three, six or nine digits, where there are any. */
function serverText(moment: DateTime): string {
  return moment
    .toString()
    .replace(/\.(\d+)Z/, (_, digits: string) => `.${digits.padEnd(3 * Math.ceil(digits.length / 3), '0')}Z`);
}

const fixed = new DateTime('2001-02-03T04:05:06.123456789Z');

/** Gives back a moment that an earlier answer showed: as a version to compare with, or as a copy. */
export function momentGivenBack({ random, fresh }: Source): Call {
  const back = between(random, 1, 3);
  const id = fresh();
  const n = between(random, 0, 2);
  const writes = oneOf(random, [true, true, false]);
  const forms: readonly [string, (moment: DateTime) => readonly [string, Bindings]][] = [
    ['a copy', (at) => [`CREATE copy:${id} SET label = ${id}, at = $at`, { at }]],
    ['a copy in an array', (at) => [`CREATE copy:${id} SET label = ${id}, at = $list[0].at`, { list: [{ at }] }]],
    ['a copy as text', (at) => [`CREATE copy:${id} SET label = ${id}, at = $at`, { at: serverText(at) }]],
    ['a copy by its text', (at) => [`CREATE copy:${id} SET label = ${id}, at = d'${serverText(at)}'`, {}]],
    ['a copy in an id', (at) => ['CREATE $id SET n = 1', { id: new RecordId('copy', [at]) }]],
    [
      'a version',
      (version) => [`UPDATE doc:${n} SET body = 'v${id}' WHERE updated_at = $version RETURN NONE`, { version }],
    ],
    ['a version, shown', (version) => [`UPDATE doc SET body = 'v${id}' WHERE updated_at = $version`, { version }]],
    [
      'a version as text',
      (at) => [`UPDATE doc SET body = 'v${id}' WHERE <string>updated_at = $v RETURN NONE`, { v: serverText(at) }],
    ],
  ];
  const reads: typeof forms = [
    ['a count', (v) => ['RETURN count(SELECT 1 FROM doc WHERE updated_at = $v)', { v }]],
    ['a count of copies', (v) => ['RETURN count(SELECT 1 FROM copy WHERE at = $v)', { v }]],
  ];
  const [what, form] = writes
    ? oneOf(random, forms as [(typeof forms)[number]])
    : oneOf(random, reads as [(typeof forms)[number]]);
  return {
    label: `a moment given back: ${what}, ${back} back, ${form(fixed)[0]}`,
    reads: ['doc', 'copy'],
    writes: writes ? ['doc', 'copy'] : [],
    givesBack: 'moment',
    run: (transaction, memory) => transaction.query(...form(memory.moments.at(-back) ?? fixed)).collect(),
  };
}

/** Gives back a random text, or the id of a record, that an earlier answer showed. */
export function textGivenBack({ fresh }: Source): Call {
  const id = fresh();
  return {
    label: `CREATE copy:${id} SET token = what was read`,
    reads: ['item'],
    writes: ['copy'],
    givesBack: 'text',
    run: (transaction, memory) =>
      transaction
        .query(`CREATE copy:${id} SET label = ${id}, token = $seen`, { seen: memory.texts.at(-1) ?? 'none' })
        .collect(),
  };
}

/** A call whose text says that it may give something else the next time. */
export function impureCall({ random, fresh }: Source): Call {
  const label = fresh();
  const sent = oneOf(random, [
    `CREATE note SET label = ${label}`,
    `CREATE copy:${label} SET label = ${label}, at = time::now()`,
    `CREATE copy:${label} SET label = ${label}, token = 'rnd_' + rand::string(12)`,
    `RETURN rand::uuid()`,
  ]);
  return {
    label: sent,
    reads: [],
    writes: ['note', 'copy'],
    impure: true,
    run: (transaction) => transaction.query(sent).collect(),
  };
}

/** A call that takes the server some milliseconds. */
export function slowCall({ random }: Source): Call {
  const rounds = oneOf(random, [100, 500]);
  return {
    label: `FOR: ${rounds} times UPSERT log:slow`,
    reads: [],
    writes: ['log'],
    run: (transaction) =>
      transaction.query(`FOR $i IN 0..${rounds} { UPSERT log:slow SET v = $i RETURN NONE }`).collect(),
  };
}
