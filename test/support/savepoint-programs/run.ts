import {
  type ConnectionManager,
  type PooledConnection,
  SavepointDivergedError,
  SavepointLimitError,
  SavepointUnsupportedError,
  type Transaction,
  TransactionAbortedError,
  TransactionConflictError,
} from '../../../src/index.js';
import { isStaleMoment } from '../undone-parts.js';
import { type Entry, inOrder, momentsIn, momentText, type Transcript, textOf } from './answers.js';
import { type Call, Memory } from './calls.js';
import type { OtherWrite, Program, Step } from './program.js';
import { beginning, emptied, follows, rests, type Table, tables } from './schema.js';
import { toldByFailure } from './special-calls.js';

/** How a run of a program ended. */
export type Ending =
  | { readonly is: 'committed' }
  /** The pool refused a savepoint, a rollback or the commit: nothing is applied. */
  | { readonly is: 'refused'; readonly reason: string; readonly message: string }
  /** A call failed that is part of no undone part. */
  | { readonly is: 'failed'; readonly message: string };

export interface RunOf {
  readonly ending: Ending;
  readonly transcript: Transcript;
  /** The calls that failed, and were undone alone. */
  readonly undoneAlone: ReadonlySet<Call>;
  /** The calls whose answers are in the transcript. */
  readonly told: ReadonlySet<Call>;
  /** The writes of others that were made meanwhile, in their order. */
  readonly writes: readonly OtherWrite[];
}

/** Which of the writes of others come before the program; the rest comes after it. */
export interface Placed {
  readonly before: number;
  /** The run this one is compared with. */
  readonly with: Pick<RunOf, 'undoneAlone' | 'told' | 'writes'>;
}

class Undo extends Error {}

/** An error that says that the pool does not go on, instead of one of the program's own calls. */
class Refused extends Error {
  constructor(
    readonly reason: string,
    cause: unknown,
  ) {
    super(String(cause), { cause });
  }
}

function refusal(error: unknown): Refused | undefined {
  if (error instanceof Refused) return error;
  if (error instanceof SavepointUnsupportedError) return new Refused('unsupported', error);
  if (error instanceof SavepointDivergedError) return new Refused('diverged', error);
  if (error instanceof SavepointLimitError) return new Refused('limit', error);
  if (isStaleMoment(error)) return new Refused('stale moment', error);
  if (error instanceof TransactionConflictError) return new Refused('conflict', error);
  if (error instanceof TransactionAbortedError) return refusal(error.cause);
  return undefined;
}

/**
 * Runs a program, from an emptied database on, and gives all that it was told and all that is stored then.
 * @param placed undefined: as it is, with its undone parts. Otherwise without them: they are never run, but for what they
 *   read before they wrote
 */
export async function run(pool: ConnectionManager, program: Program, placed?: Placed): Promise<RunOf> {
  await pool.query(`${emptied}; ${program.schema.text}`);
  await pool.query(program.schema.refusable).catch((error: unknown) => {
    if (!String(error).includes('must be read-only')) throw error;
  });
  await pool.query(beginning);
  return await new Run(pool, program, placed).all();
}

class Run {
  readonly #pool: ConnectionManager;
  readonly #program: Program;
  readonly #placed: Placed | undefined;
  readonly #entries: Entry[] = [];
  readonly #foreign = new Map<string, string>();
  readonly #undoneAlone = new Set<Call>();
  readonly #told = new Set<Call>();
  readonly #writes: OtherWrite[] = [];
  #memory = new Memory();
  #epoch = 0;
  #depth = 0;

  constructor(pool: ConnectionManager, program: Program, placed: Placed | undefined) {
    this.#pool = pool;
    this.#program = program;
    this.#placed = placed;
  }

  async all(): Promise<RunOf> {
    for (const [, text] of await this.#stored()) {
      for (const moment of momentsIn(text)) this.#foreign.set(moment, `moment ${this.#foreign.size} of the beginning`);
    }
    await this.#program.prepared?.run(this.#pool, this.#foreign);
    const before = this.#placed?.with.writes.slice(0, this.#placed.before) ?? [];
    for (const write of before) await write.run(this.#pool, this.#foreign);
    const ending = await this.#ending();
    const after = this.#placed?.with.writes.slice(this.#placed.before) ?? [];
    for (const write of after) await write.run(this.#pool, this.#foreign);
    for (const [what, text] of await this.#stored()) this.#entries.push({ what, text, epoch: this.#epoch });
    const transcript = { entries: this.#entries, foreign: this.#foreign };
    return { ending, transcript, undoneAlone: this.#undoneAlone, told: this.#told, writes: this.#writes };
  }

  async #stored(): Promise<[string, string][]> {
    const reads = tables.map((table) => `SELECT VALUE <string>$this FROM ${table}`);
    const rows = await this.#pool.query<string[][]>(reads.join(';'));
    return tables.map((table, index) => [
      `what is stored in ${table}`,
      inOrder((rows[index] ?? []).map(momentText)).join('\n    '),
    ]);
  }

  async #ending(): Promise<Ending> {
    try {
      await using connection = await this.#pool.acquire();
      for (const [name, value] of Object.entries(this.#program.variables)) await connection.set(name, value);
      await this.#transaction(connection);
      return { is: 'committed' };
    } catch (error) {
      const refused = refusal(error);
      if (refused !== undefined) return { is: 'refused', reason: refused.reason, message: refused.message };
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      // The option undoes a failed call alone; where that cannot be, it is the pool that ends the transaction.
      const isOwn = this.#program.onStatementError === 'abort' || this.#placed !== undefined;
      return isOwn
        ? { is: 'failed', message: String(error) }
        : { is: 'refused', reason: 'not undone alone', message: String(error) };
    }
  }

  async #transaction(connection: PooledConnection): Promise<void> {
    const { form, onStatementError, steps } = this.#program;
    const options = { onStatementError };
    if (form === 'withTransaction') {
      return await connection.withTransaction((transaction) => this.#steps(steps, transaction), {
        ...options,
        retry: false,
      });
    }
    await using transaction = await connection.beginTransaction(options);
    await this.#steps(steps, transaction);
    await transaction.commit();
  }

  /** @param written the tables an undone part has written so far; undefined outside of undone parts */
  async #steps(steps: readonly Step[], transaction: Transaction, written?: Set<Table>): Promise<void> {
    for (const step of steps) {
      switch (step.do) {
        case 'other':
          if (this.#placed) break;
          this.#writes.push(step.write);
          await step.write.run(this.#pool, this.#foreign);
          break;
        case 'kept':
          await this.#kept(step, transaction, written);
          break;
        case 'undone':
          for (const round of step.rounds) if (this.#placed) await this.#steps(round, transaction, new Set(written));
          if (this.#placed === undefined) await this.#undone(step, transaction, written);
          break;
        case 'call':
          await this.#call(step.call, transaction, written);
      }
    }
  }

  async #kept(step: Step & { do: 'kept' }, transaction: Transaction, written?: Set<Table>): Promise<void> {
    const work = () => this.#steps(step.steps, transaction, written);
    if (this.#placed) return await work();
    if (step.form === 'withSavepoint' || step.form === 'withTransaction') return await transaction[step.form](work);
    const savepoint = await transaction.savepoint();
    await work();
    if (step.form === 'released') await savepoint.release();
  }

  async #undone(step: Step & { do: 'undone' }, transaction: Transaction, written?: Set<Table>): Promise<void> {
    const [first] = step.rounds;
    if (step.form === 'withSavepoint' || step.form === 'withTransaction') {
      const [result] = await Promise.allSettled([
        transaction[step.form](async () => {
          await this.#steps(first ?? [], transaction, new Set(written));
          throw new Undo('the program wants it undone');
        }),
      ]);
      if (result.status === 'rejected') this.#expect(result.reason);
      this.#epoch++;
      return;
    }
    // A name of its own for each depth: one that is made within would hide the one around it.
    const name = `depth ${this.#depth}`;
    const savepoint = await transaction.savepoint(name);
    this.#depth++;
    for (const round of step.rounds) {
      try {
        await this.#steps(round, transaction, new Set(written));
      } catch (error) {
        this.#expect(error);
      }
      await (step.form === 'name' ? transaction.rollbackToSavepoint(name) : savepoint.rollback());
      this.#epoch++;
    }
    this.#depth--;
  }

  /** @throws when the error is not that of a call, or the program's own */
  #expect(error: unknown): void {
    const refused = refusal(error);
    if (refused !== undefined) throw refused;
    if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  }

  async #call(call: Call, transaction: Transaction, written?: Set<Table>): Promise<void> {
    const { onStatementError } = this.#program;
    const isRead = call.writes.length === 0;
    const isClear = written === undefined || !touched(call.reads).some((table) => written.has(table));
    // What a run without the undone parts can see as well, which both tell.
    const isShared = isClear && (written === undefined || isRead || call.instead !== undefined);
    if (this.#placed) {
      const { undoneAlone, told } = this.#placed.with;
      const isMade = written === undefined && !call.fails && !undoneAlone.has(call);
      const made = isMade || (isRead && isClear) ? call : isShared ? call.instead : undefined;
      if (made !== undefined && (isMade || told.has(call))) this.#tell(call, await made.run(transaction, this.#memory));
    } else {
      const memory = isShared ? this.#memory : this.#memory.copy();
      try {
        const answer = await call.run(transaction, memory);
        if (isShared) this.#tell(call, answer);
        // It told its failure by an answer, and was undone alone.
        if (call.fails && transaction.state === 'active') this.#epoch++;
      } catch (error) {
        if (refusal(error) !== undefined) throw error;
        const isUndoneAlone = onStatementError === 'savepoint' && transaction.state === 'active';
        if (isShared && call.instead !== undefined) this.#tell(call, toldByFailure(error));
        if (isUndoneAlone) this.#undoneAlone.add(call);
        if (isUndoneAlone) this.#epoch++;
        else throw error;
      }
      if (transaction.state === 'aborted') throw new Undo('a call failed without telling it');
    }
    if (written)
      for (const table of call.writes) for (const each of [table, ...(follows[table] ?? [])]) written.add(each);
  }

  #tell(call: Call, answer: unknown): void {
    this.#told.add(call);
    this.#memory.keep(answer);
    this.#entries.push({ what: `the answer to ${call.label}`, text: momentText(textOf(answer)), epoch: this.#epoch });
  }
}

function touched(reads: readonly Table[]): Table[] {
  return reads.flatMap((table) => [table, ...(rests[table] ?? [])]);
}

/** The writes of others, in the order in which they come. */
export function writesOf(steps: readonly Step[]): OtherWrite[] {
  return steps.flatMap((step) => {
    if (step.do === 'other') return [step.write];
    if (step.do === 'kept') return writesOf(step.steps);
    return step.do === 'undone' ? step.rounds.flatMap(writesOf) : [];
  });
}
