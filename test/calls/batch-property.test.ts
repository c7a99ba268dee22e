import fc from 'fast-check';
import { RecordId } from 'surrealdb';
import { expect, test } from 'vitest';
import { type ConnectionManager, outcomeOf } from '../../src/index.js';
import { type SingleCall, schema, statements, values } from '../support/batch-statements.js';
import { codec } from '../support/rpc-wire.js';
import { asked, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// It loses no update, so that writes can be counted.
const own = surroundings(rocksdbUrl());
const seed = Number(process.env.BATCH_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const replay = `BATCH_SEED=${seed}`;

/** Two databases in each: two identities. */
const databases = ['first', 'second'];
/** Numbers of records, so that no two calls write the same one. */
let last = 10;

async function prepare(namespace: string): Promise<void> {
  await own.engine.query(`REMOVE NAMESPACE IF EXISTS ${namespace}; DEFINE NAMESPACE ${namespace}`);
  for (const database of databases) {
    await own.engine.query(`USE NS ${namespace}; DEFINE DATABASE ${database}`);
    await own.engine.query(schema, { namespace, database });
  }
}

/** From where a call is made: the pool itself, or a view of another database, with a signal, or with a deadline. */
type From = 'pool' | 'database' | 'signal' | 'deadline';

interface Made {
  readonly n: number;
  readonly call: SingleCall;
  readonly from: From;
}

const made: fc.Arbitrary<Made> = fc
  .record({
    statement: fc.constantFrom(...statements),
    value: fc.constantFrom(...values),
    from: fc.constantFrom<From>('pool', 'pool', 'database', 'signal', 'deadline'),
  })
  .map(({ statement, value, from }) => {
    const n = ++last;
    return { n, call: statement(n, value), from };
  });

/** Calls that are made in the same turn. */
const moments = fc.array(fc.array(made, { minLength: 2, maxLength: 24 }), { minLength: 1, maxLength: 4 });

/** A pool, and the namespace it is in. */
interface Asked {
  readonly pool: ConnectionManager;
  readonly namespace: string;
}

function queryable({ pool, namespace }: Asked, from: From): Pick<ConnectionManager, 'query'> {
  if (from === 'database') return pool.scope({ namespace, database: 'second' });
  if (from === 'signal') return pool.scope({ signal: new AbortController().signal });
  return from === 'deadline' ? pool.scope({ queryTimeout: 60_000 }) : pool;
}

/** All that a caller can tell of an answer. */
async function told(asked: Asked, { call, from }: Made): Promise<unknown> {
  try {
    const responses = await queryable(asked, from).query(call.text, call.bindings).responses();
    return responses.map((response) =>
      response.success ? Buffer.from(codec.encode(response.result)).toString('hex') : describe(response.error),
    );
  } catch (error) {
    return describe(error);
  }
}

function describe(error: unknown): object {
  const { name, message, code, kind, details } = error as Record<string, unknown>;
  return { name, message, code, kind, details, outcome: outcomeOf(error) };
}

async function stored(namespace: string): Promise<unknown[]> {
  const text = `SELECT * FROM rec, watched, heard, typed, fixed, counter; SELECT id, in, out FROM likes`;
  return await Promise.all(databases.map((database) => own.engine.query(text, { namespace, database })));
}

test(`each call that shares messages and connections is answered as it is alone, seed ${seed}`, async () => {
  console.log(`replay with: ${replay} npx vitest run test/calls/batch-property.test.ts`);
  await prepare('alone');
  await prepare('shared');
  const front = await own.listen();
  const place = { database: 'first', maxConnections: 2, retryPolicy: { maxAttempts: 50 } };
  const connect = async (namespace: string, options: object): Promise<Asked> => ({
    pool: await own.connect(front, { ...place, namespace, ...options }),
    namespace,
  });
  const alone = await connect('alone', { batching: 'off', pipelining: 1 });
  const shared = await connect('shared', { batching: 'always', pipelining: 4 });
  // Each text was read alone once: now it may go in a message with others.
  for (const statement of statements) {
    const first = { n: ++last, call: statement(last, 1), from: 'pool' } as const;
    expect(await told(shared, first)).toEqual(await told(alone, first));
  }
  let calls = 0;
  let messages = 0;
  const property = fc.asyncProperty(moments, async (program) => {
    for (const moment of program) {
      const before = asked(front, 'query');
      const answers = await Promise.all(moment.map((each) => told(shared, each)));
      messages += asked(front, 'query') - before;
      calls += moment.length;
      const expected: unknown[] = [];
      for (const each of moment) expected.push(await told(alone, each));
      const texts = moment.map(({ call }) => call.text);
      expect(answers.map((answer, at) => [texts[at], answer])).toEqual(
        expected.map((answer, at) => [texts[at], answer]),
      );
    }
  });
  // A program cannot be made smaller: its records are there already.
  await fc.assert(property, { seed, numRuns: 60, endOnFailure: true });
  const [first, second] = await stored('shared');
  expect([first, second]).toEqual(await stored('alone'));
  expect(second).not.toEqual([[], []]);
  expect(messages).toBeLessThan(0.8 * calls);
});

/** What goes wrong with messages, and when callers give up. */
interface Trouble {
  readonly faults: readonly ('pass' | 'drop' | 'kill' | { readonly delay: number })[];
  readonly calls: readonly {
    readonly how: keyof typeof writes;
    readonly abortAfter: number;
    readonly timeout: number;
  }[];
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  faults: fc.array(fc.constantFrom<Trouble['faults'][number]>('pass', 'pass', 'drop', 'kill', { delay: 20 }), {
    minLength: 3,
    maxLength: 8,
  }),
  calls: fc.array(
    fc.record({
      how: fc.constantFrom<keyof typeof writes>('created', 'counted'),
      /** In milliseconds; 0: before the call, -1: never. */
      abortAfter: fc.constantFrom(-1, -1, -1, 0, 1, 5, 15),
      /** In milliseconds; 0: none. */
      timeout: fc.constantFrom(0, 0, 0, 5, 15),
    }),
    { minLength: 4, maxLength: 80 },
  ),
});

const writes = {
  created: 'CREATE ONLY $id SET count = 1 RETURN VALUE count',
  counted: 'UPSERT ONLY $id SET count += 1 RETURN VALUE count',
};

test(`whatever becomes of sockets and callers, outcomes are true and no write is done twice, seed ${seed}`, async () => {
  await prepare('troubled');
  const front = await own.listen();
  const place = { namespace: 'troubled', database: 'first' };
  const pool = await own.connect(front, {
    ...place,
    maxConnections: 1,
    pipelining: 2,
    circuitBreaker: { failureThreshold: 0 },
  });
  const outcomes = new Set<string>();
  let calls = 0;
  let messages = 0;
  const property = fc.asyncProperty(trouble, async ({ faults, calls: program }) => {
    front.onRequest = () => 'pass';
    // Each text was read alone once: now it may go in a message with others.
    for (const text of Object.values(writes)) await pool.query(text, { id: new RecordId('rec', ++last) });
    let arrived = 0;
    front.onRequest = ({ method }) => (method === 'query' ? (faults[arrived++ % faults.length] ?? 'pass') : 'pass');
    const ends = await Promise.all(
      program.map(async ({ how, abortAfter, timeout }) => {
        const n = ++last;
        const abort = new AbortController();
        if (abortAfter === 0) abort.abort();
        const aborting = abortAfter < 0 ? undefined : setTimeout(() => abort.abort(), abortAfter);
        const view = pool.scope({ signal: abort.signal, queryTimeout: timeout });
        const answer = view.query<[number]>(writes[how], { id: new RecordId('rec', n) }).collect();
        const end = await answer.then(([count]) => `answered ${count}`, outcomeOf);
        clearTimeout(aborting);
        return { n, end };
      }),
    );
    calls += program.length;
    messages += arrived;
    const [rows] = await own.engine.query('SELECT VALUE [record::id(id), count] FROM rec', place);
    const counts = new Map(rows as [number, number][]);
    for (const { n, end } of ends) {
      outcomes.add(end);
      const count = counts.get(n) ?? 0;
      const allowed = end === 'answered 1' ? [1] : end === 'unknown' ? [0, 1] : [0];
      expect(allowed, `a call that was ${end} is stored ${count} times`).toContain(count);
    }
  });
  await fc.assert(property, { seed, numRuns: 40, endOnFailure: true });
  expect(messages).toBeLessThan(calls / 2);
  expect(outcomes).toEqual(new Set(['answered 1', 'not-sent', 'unknown']));
});
