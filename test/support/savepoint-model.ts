import fc from 'fast-check';
import { RecordId, Table } from 'surrealdb';
import { expect } from 'vitest';
import type { ConnectionManager, PooledConnection, Transaction, TransactionOptions } from '../../src/index.js';

/**
 * Random programs of one transaction with savepoints, against a plain model of three tables: rows by number, each with a
 * unique value and the time of its creation; notes and edges whose ids nobody gives. Between the calls somebody else
 * changes rows of their own, which the program reads: the model knows of each rollback whether it has to diverge.
 */
export const schema: string = `
  DEFINE TABLE OVERWRITE row;
  DEFINE FIELD OVERWRITE value ON row TYPE int ASSERT $value < 100;
  DEFINE FIELD OVERWRITE created_at ON row TYPE datetime DEFAULT time::now() READONLY;
  DEFINE INDEX OVERWRITE only ON row FIELDS value UNIQUE;
  DEFINE TABLE OVERWRITE note;
  DEFINE FIELD OVERWRITE created_at ON note TYPE datetime DEFAULT time::now();
  DEFINE TABLE OVERWRITE likes TYPE RELATION`;

const foreign = [50, 51] as const;
/** Different from those of all other rows. */
const foreignValue = (at: number, choice: number) => 10 * (at - 48) + choice;
const row = (number: number) => new RecordId('row', number);

type Call =
  | {
      readonly do: 'create' | 'upsert' | 'update';
      readonly row: number;
      readonly value: number;
      readonly text: boolean;
    }
  | { readonly do: 'delete'; readonly row: number }
  | { readonly do: 'note'; readonly numbers: readonly number[] }
  | { readonly do: 'relate'; readonly from: number; readonly to: number }
  | { readonly do: 'read' }
  | { readonly do: 'impure' }
  | { readonly do: 'failing'; readonly text: string }
  | { readonly do: 'refused'; readonly text: string };

type Step =
  | Call
  | { readonly do: 'foreign'; readonly row: number; readonly value: number }
  | { readonly do: 'savepoint'; readonly name: string }
  | { readonly do: 'back' | 'release'; readonly name: string; readonly byHandle: boolean }
  | {
      readonly do: 'nested';
      readonly steps: readonly Step[];
      readonly throws: boolean;
      readonly caught: boolean;
      readonly form: 'withTransaction' | 'withSavepoint' | 'connection';
    };

export interface Program {
  readonly steps: readonly Step[];
  readonly form: 'pool' | 'transaction' | 'connection';
  readonly end: 'commit' | 'rollback' | 'throw';
  /** Whether it goes on after a failure, as if nothing had happened. */
  readonly catches: boolean;
  readonly onStatementError: 'abort' | 'savepoint';
}

const number = fc.integer({ min: 0, max: 3 });
const value = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.constant(100) },
);
const name = fc.constantFrom('a', 'b');
const call: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('create' as const, 'upsert' as const, 'update' as const),
      row: number,
      value,
      text: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), row: number }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('note' as const),
      numbers: fc.array(number, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('relate' as const), from: number, to: number }) },
  { weight: 6, arbitrary: fc.constant({ do: 'read' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'impure' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('failing' as const),
      text: fc.constantFrom(
        'CREATE row:90 SET value = 90; THROW "no"',
        'CREAT row:90',
        'CREATE row:90 SET value = "no"',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('refused' as const),
      text: fc.constantFrom('COMMIT', 'CREATE row:90 SET value = 90; CANCEL', 'LIVE SELECT * FROM row'),
    }),
  },
);
const foreignStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('foreign' as const),
  row: fc.constantFrom(...foreign),
  value: fc.integer({ min: 0, max: 2 }),
});
const savepointStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('savepoint' as const), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('back' as const), name, byHandle: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), name, byHandle: fc.boolean() }) },
);
const { steps } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 14, size: 'max' }),
  step: fc.oneof(
    { depthSize: 'small', depthIdentifier: 'nesting' },
    { weight: 12, arbitrary: call },
    { weight: 7, arbitrary: savepointStep },
    { weight: 4, arbitrary: foreignStep },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('nested' as const),
        steps: tie('steps'),
        throws: fc.boolean(),
        caught: fc.oneof(fc.constant(true), fc.constant(true), fc.constant(false)),
        form: fc.constantFrom('withTransaction' as const, 'withSavepoint' as const, 'connection' as const),
      }),
    },
  ),
}));
/**
 * Many programs begin with what a change by the others makes diverge: a read before a savepoint, or one behind it that is
 * undone, and that only the whole of what was undone shows.
 */
const beginning: fc.Arbitrary<Step[]> = fc.constantFrom<Step[]>(
  [],
  [{ do: 'read' }, { do: 'savepoint', name: 'a' }],
  [
    { do: 'savepoint', name: 'a' },
    { do: 'note', numbers: [1] },
    { do: 'read' },
    { do: 'back', name: 'a', byHandle: true },
  ],
);
export const program: fc.Arbitrary<Program> = fc.record({
  steps: fc.tuple(beginning, steps).map((parts) => parts.flat()),
  form: fc.constantFrom('pool' as const, 'transaction' as const, 'connection' as const),
  end: fc.constantFrom('commit' as const, 'commit' as const, 'commit' as const, 'rollback' as const, 'throw' as const),
  catches: fc.oneof(fc.constant(true), fc.constant(true), fc.constant(false)),
  onStatementError: fc.constantFrom('abort' as const, 'abort' as const, 'savepoint' as const),
});

/** What the program itself has made of the tables, and what is known of the way there. */
interface State {
  readonly rows: ReadonlyMap<number, number>;
  readonly notes: readonly number[];
  readonly edges: readonly string[];
  /** Whether the rows of the others were read on the way. */
  readonly read: boolean;
  /** How many calls were sent. */
  readonly calls: number;
}

const empty: State = { rows: new Map(), notes: [], edges: [], read: false, calls: 0 };

/** What the call makes of it; undefined when it fails. */
function applied(state: State, does: Call): State | undefined {
  const put = (at: number, what: number): State | undefined => {
    if (what >= 100 || [...state.rows].some(([other, taken]) => other !== at && taken === what)) return undefined;
    return { ...state, rows: new Map(state.rows).set(at, what) };
  };
  switch (does.do) {
    case 'create':
      return state.rows.has(does.row) ? undefined : put(does.row, does.value);
    case 'upsert':
      return put(does.row, does.value);
    case 'update':
      return state.rows.has(does.row) ? put(does.row, does.value) : state;
    case 'delete': {
      if (!state.rows.has(does.row)) return state;
      const rows = new Map(state.rows);
      rows.delete(does.row);
      const edges = state.edges.filter((edge) => !edge.split('>').includes(String(does.row)));
      return { ...state, rows, edges };
    }
    case 'note':
      return { ...state, notes: [...state.notes, ...does.numbers].sort() };
    case 'relate':
      return { ...state, edges: [...state.edges, `${does.from}>${does.to}`].sort() };
    case 'failing':
      return undefined;
    default:
      return state;
  }
}

/** What a program did that a test wants to have happened often. */
export interface Seen {
  rollbacks: number;
  divergences: number;
  commits: number;
  nestedUndone: number;
}

class Stop extends Error {}

type Outcome = { readonly is: 'fine' } | { readonly is: 'failed'; readonly codes: readonly string[] };

/** Runs one program and follows it in the model. */
export class Run {
  readonly #pool: ConnectionManager;
  readonly #program: Program;
  readonly #seen: Seen;
  /**
   * Two things are left out on `mem://`, which it does wrongly in any transaction: a record that was deleted cannot be
   * created again, and one that others change twice meanwhile is not seen any more.
   */
  readonly #onMem: boolean;
  #state = empty;
  #aborted = false;
  #made: {
    readonly name: string;
    readonly state: State;
    readonly handle: { rollback(): Promise<void>; release(): Promise<void> } | undefined;
  }[] = [];
  #others = '[1,1]';
  /** The rows of the others as the transaction sees them. */
  #view = '[1,1]';
  /** The same as the program has seen them, also in calls that were undone; undefined when it has not. */
  #seenView: string | undefined;
  /** Whether it has seen an answer that is another one each time. */
  #seenRandom = false;

  constructor(pool: ConnectionManager, program: Program, seen: Seen, onMem: boolean) {
    this.#onMem = onMem;
    this.#pool = pool;
    this.#program = program;
    this.#seen = seen;
  }

  /** Runs all of it, and compares what is stored then. */
  async run(): Promise<void> {
    await this.#pool.query('DELETE row; DELETE note; DELETE likes');
    for (const at of foreign)
      await this.#pool.query('CREATE $row SET value = $value', { row: row(at), value: foreignValue(at, 0) });
    this.#others = JSON.stringify(foreign.map((at) => foreignValue(at, 0)));
    this.#view = this.#others;
    const [result] = await Promise.allSettled([this.#whole()]);
    const error = result.status === 'rejected' ? result.reason : undefined;
    if (error !== undefined && !('code' in error) && !(error instanceof Stop)) throw error;
    const { end } = this.#program;
    const committed = result.status === 'fulfilled' && end === 'commit';
    if (end === 'commit') expect(committed, String(error)).toBe(!this.#aborted && !this.#stopped);
    if (committed) this.#seen.commits++;
    const after = committed ? this.#state : empty;
    const [rows, notes, edges] = await this.#pool.query<[[number, number][], number[], string[]]>(all);
    expect(rows).toEqual([...after.rows, ...this.#foreignRows(this.#others)].sort(([one], [other]) => one - other));
    expect([...notes].sort()).toEqual(after.notes);
    expect([...edges].sort()).toEqual(after.edges);
  }

  #stopped = false;

  async #whole(): Promise<void> {
    const { form, end, onStatementError } = this.#program;
    const options: TransactionOptions = { onStatementError };
    const work = async (transaction: Transaction, connection?: PooledConnection): Promise<void> => {
      try {
        await this.#steps(this.#program.steps, transaction, connection);
      } catch (error) {
        if (error instanceof Stop) this.#stopped = true;
        throw error;
      }
      if (end === 'throw') throw new Stop('the program wants it so');
      if (end === 'rollback') await transaction.rollback();
    };
    if (form === 'pool')
      return await this.#pool.withTransaction((within) => work(within), { ...options, retry: false });
    await using connection = await this.#pool.acquire();
    if (form === 'connection') {
      return await connection.withTransaction((within) => work(within, connection), { ...options, retry: false });
    }
    const transaction = await connection.beginTransaction(options);
    await work(transaction, connection);
    if (end === 'commit') await transaction.commit();
  }

  async #steps(
    steps: readonly Step[],
    transaction: Transaction,
    connection: PooledConnection | undefined,
  ): Promise<void> {
    for (const step of steps) {
      const outcome = await this.#step(step, transaction, connection);
      expect(transaction.state, JSON.stringify(step)).toBe(this.#aborted ? 'aborted' : 'active');
      if (outcome.is === 'failed' && !this.#program.catches) throw new Stop(`${step.do} failed`);
    }
  }

  /** Runs one step and holds its outcome against that in the model. */
  async #step(step: Step, transaction: Transaction, connection: PooledConnection | undefined): Promise<Outcome> {
    switch (step.do) {
      case 'foreign': {
        if (this.#onMem) return fine;
        const values = JSON.parse(this.#others) as number[];
        values[foreign.indexOf(step.row as 50)] = foreignValue(step.row, step.value);
        await this.#pool.query('UPDATE $row SET value = $value', {
          row: row(step.row),
          value: foreignValue(step.row, step.value),
        });
        this.#others = JSON.stringify(values);
        return { is: 'fine' };
      }
      case 'savepoint': {
        const expected = this.#savepoint();
        const [result] = await Promise.allSettled([(connection ?? transaction).savepoint(step.name)]);
        compare(step, result, expected);
        if (result.status === 'fulfilled')
          this.#made.push({ name: step.name, state: this.#state, handle: result.value });
        return expected;
      }
      case 'back': {
        const made = this.#made.findLast((each) => each.name === step.name);
        const expected = made === undefined ? failed('ERR_POOL_SAVEPOINT_NOT_FOUND') : this.#back(made.state);
        const going =
          step.byHandle && made?.handle !== undefined
            ? made.handle.rollback()
            : (connection ?? transaction).rollbackToSavepoint(step.name);
        compare(step, (await Promise.allSettled([going]))[0], expected);
        if (made !== undefined && expected.is === 'fine') this.#made.length = this.#made.indexOf(made) + 1;
        return expected;
      }
      case 'release': {
        const made = this.#made.findLast((each) => each.name === step.name);
        // That of a withSavepoint() has none.
        if (made?.handle === undefined) return fine;
        const expected = this.#aborted ? failed('ERR_POOL_TRANSACTION_ABORTED') : fine;
        compare(step, (await Promise.allSettled([made.handle.release()]))[0], expected);
        if (expected.is === 'fine') this.#made.length = this.#made.indexOf(made);
        return expected;
      }
      case 'nested':
        return await this.#nested(step, transaction, connection);
      case 'delete':
        return this.#onMem ? fine : await this.#call(step, connection ?? transaction);
      default:
        return await this.#call(step, connection ?? transaction);
    }
  }

  async #nested(
    step: Step & { do: 'nested' },
    transaction: Transaction,
    connection: PooledConnection | undefined,
  ): Promise<Outcome> {
    if (step.form === 'connection' && connection !== undefined && this.#program.form === 'transaction') {
      return await this.#beside(step, connection);
    }
    let expected = this.#savepoint();
    const outer = [...this.#made];
    const own = { name: 'nested', state: this.#state, handle: undefined };
    if (expected.is === 'fine') this.#made.push(own);
    const work = async (): Promise<void> => {
      let stopped: Stop | undefined;
      try {
        await this.#steps(step.steps, transaction, connection);
        if (step.throws) throw new Stop('the nested one wants it so');
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
        stopped = error;
      }
      // What becomes of it now is decided behind this.
      const at = this.#made.indexOf(own);
      if (stopped === undefined && !this.#aborted && at >= 0) {
        this.#made.length = at;
        return;
      }
      this.#seen.nestedUndone++;
      const undone: Outcome = at < 0 ? failed('ERR_POOL_SAVEPOINT_NOT_FOUND') : this.#back(own.state);
      if (undone.is === 'fine') {
        this.#made.length = at;
        expected = stopped === undefined ? failed('ERR_POOL_TRANSACTION_ABORTED') : failed();
      } else {
        this.#aborted = true;
        this.#made = this.#made.filter((made) => outer.includes(made));
        expected = undone;
      }
      if (stopped !== undefined) throw stopped;
    };
    const begun =
      step.form === 'withSavepoint'
        ? transaction.withSavepoint(work)
        : step.form === 'connection' && connection !== undefined
          ? connection.withTransaction(work)
          : transaction.withTransaction(work);
    const [result] = await Promise.allSettled([begun]);
    compare(step, result, expected);
    if (expected.is === 'failed' && !step.caught) throw new Stop('a nested one failed, and nobody catches that');
    return fine;
  }

  /** A `connection.withTransaction()` that is not called from the work of one. */
  async #beside(step: Step, connection: PooledConnection): Promise<Outcome> {
    const refused = failed('ERR_POOL_USAGE');
    const work = (): never => expect.fail(`ran beside an open transaction: ${JSON.stringify(step)}`);
    compare(step, (await Promise.allSettled([connection.withTransaction(work)]))[0], refused);
    return refused;
  }

  async #call(does: Call, queries: Transaction | PooledConnection): Promise<Outcome> {
    const next = this.#aborted ? undefined : applied(this.#state, does);
    const [result] = await Promise.allSettled([begin(queries, does)]);
    if (this.#aborted) {
      compare(does, result, failed('ERR_POOL_TRANSACTION_ABORTED'));
      return failed();
    }
    if (does.do === 'refused') {
      compare(does, result, failed('ERR_POOL_USAGE'));
      return failed();
    }
    compare(does, result, next === undefined ? failed() : fine);
    if (next === undefined) {
      const undone = this.#program.onStatementError === 'savepoint' && this.#replay(this.#state).is === 'fine';
      if (!undone) {
        this.#aborted = true;
        this.#state = { ...this.#state, calls: this.#state.calls + 1 };
      }
      return failed();
    }
    const reads = does.do === 'read';
    this.#state = { ...next, calls: next.calls + 1, read: next.read || reads };
    if (reads) this.#seenView = this.#view;
    this.#seenRandom ||= does.do === 'impure';
    if (reads && result.status === 'fulfilled') this.#compareRead(result.value);
    return fine;
  }

  #compareRead(value: unknown): void {
    const [rows, notes, edges] = value as [
      { id: RecordId; value: number; created_at: unknown }[],
      { n: number }[],
      { in: RecordId; out: RecordId }[],
    ];
    const { rows: own, notes: ownNotes, edges: ownEdges } = this.#state;
    const found = rows.map((each) => [each.id.id, each.value]);
    expect(found).toEqual([...own, ...this.#foreignRows(this.#view)].sort(([one], [other]) => one - other));
    expect(notes.map(({ n }) => n).sort()).toEqual(ownNotes);
    expect(edges.map((edge) => `${edge.in.id}>${edge.out.id}`).sort()).toEqual(ownEdges);
  }

  #foreignRows(others: string): [number, number][] {
    return foreign.map((at, index) => [at, (JSON.parse(others) as number[])[index] ?? -1]);
  }

  #savepoint(): Outcome {
    if (this.#aborted) return failed('ERR_POOL_TRANSACTION_ABORTED');
    return this.#seenRandom ? failed('ERR_POOL_SAVEPOINT_UNSUPPORTED') : fine;
  }

  /** Goes back; says whether that has to succeed. Where no call came after, nothing is verified. */
  #back(target: State): Outcome {
    const verified = this.#state.calls > target.calls ? this.#replay(target) : fine;
    if (verified.is === 'failed') {
      this.#seen.divergences++;
      return verified;
    }
    this.#seen.rollbacks++;
    this.#state = target;
    this.#aborted = false;
    return fine;
  }

  /** Makes the calls again: whether all that the program has seen, before and behind, is as it was. */
  #replay(target: State): Outcome {
    const diverges = this.#seenView !== undefined && this.#seenView !== this.#others;
    const codes: string[] = [];
    if (diverges) codes.push('ERR_POOL_SAVEPOINT_DIVERGED');
    // Which of both comes first is told; what is kept is looked at before what is undone.
    if (this.#seenRandom && !(diverges && target.read)) codes.push('ERR_POOL_SAVEPOINT_UNSUPPORTED');
    if (codes.length > 0) return failed(...codes);
    this.#view = this.#others;
    return fine;
  }
}

const fine: Outcome = { is: 'fine' };

/** @param codes of the error there must be; any one when there are none */
function failed(...codes: string[]): Outcome {
  return { is: 'failed', codes };
}

function compare(step: Step, result: PromiseSettledResult<unknown>, expected: Outcome): void {
  const what = `${JSON.stringify(step)}: ${result.status === 'rejected' ? String(result.reason) : 'fulfilled'}`;
  expect(result.status, what).toBe(expected.is === 'fine' ? 'fulfilled' : 'rejected');
  if (expected.is === 'failed' && expected.codes.length > 0 && result.status === 'rejected') {
    expect(expected.codes, what).toContain(result.reason.code);
  }
}

const all = `SELECT VALUE [record::id(id), value] FROM row; SELECT VALUE n FROM note;
  SELECT VALUE <string>record::id(in) + '>' + <string>record::id(out) FROM likes`;

/** Begins the call. */
function begin(queries: Transaction | PooledConnection, does: Call): Promise<unknown> {
  switch (does.do) {
    case 'create':
    case 'upsert':
    case 'update': {
      const content = { value: does.value };
      const target = row(does.row);
      if (does.text) return queries.query(`${does.do} $row SET value = $value`, { row: target, ...content }).collect();
      if (does.do === 'create') return queries.create(target).content(content).then();
      if (does.do === 'upsert') return queries.upsert(target).merge(content).then();
      return queries.update(target).merge(content).then();
    }
    case 'delete':
      return queries.delete(row(does.row)).then();
    case 'note': {
      const [first, ...more] = does.numbers;
      const table = new Table('note');
      if (more.length === 0) return queries.create(table).content({ n: first }).then();
      return queries
        .insert(
          table,
          does.numbers.map((n) => ({ n })),
        )
        .then();
    }
    case 'relate':
      return queries.relate(row(does.from), new Table('likes'), row(does.to)).then();
    case 'read':
      return queries.query('SELECT * FROM row; SELECT * FROM note; SELECT * FROM likes').collect();
    case 'impure':
      return queries.query('RETURN rand()').collect();
    case 'failing':
    case 'refused':
      return queries.query(does.text).collect();
  }
}
