import { RecordId, ServerError, type SurrealQueryable } from 'surrealdb';
import { type CallOutcome, outcomeOf, PoolError } from '../../src/index.js';

/** What is known of a write: the server said yes, or what {@link outcomeOf} makes of the error. */
export type Verdict = 'acknowledged' | CallOutcome;

/** Asks the database beside everything that is tested. */
export type Ask = (text: string) => Promise<unknown[]>;

interface Stored {
  readonly entries: readonly { readonly name: string; readonly times: number }[];
  readonly counted: number;
}

/** Few enough that writes often meet on one, and then one of them is refused. */
const counters = 8;

// An entry counts how often it was written, so that a call that was sent twice shows; and the counter shows whether
// both writes of the block were done, or none.
const statements = `
  UPSERT $entry SET times += 1;
  UPDATE $counter SET value += 1;
  IF $refuse { THROW "refused on purpose" };
`;
const block = `BEGIN; ${statements} COMMIT;`;

/** One entry: its name, and what else is asked of its write. */
export interface Entry {
  readonly name: string;
  readonly worker: number;
  readonly refuse: boolean;
}

function bindingsOf({ name, worker, refuse }: Entry): Record<string, unknown> {
  return { entry: new RecordId('entry', name), counter: new RecordId('counter', worker % counters), refuse };
}

/** Writes entries into a database, remembers what was said of each, and compares that with what is there in the end. */
export class Ledger {
  /** Errors that are neither the pool's nor the server's. */
  readonly strange: unknown[] = [];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #errors = new Map<Verdict, Set<string>>();

  static async prepare(ask: Ask): Promise<void> {
    await ask('DEFINE TABLE OVERWRITE entry; DELETE entry; DEFINE TABLE OVERWRITE counter; DELETE counter');
    await ask(`FOR $number IN 0..${counters} { CREATE type::record("counter", $number) SET value = 0 }`);
  }

  /** What the writes were told that ended in this way. */
  errorsOf(verdict: Verdict): string[] {
    return [...(this.#errors.get(verdict) ?? [])];
  }

  /** How many writes ended in which way. */
  get totals(): Record<Verdict, number> {
    const totals = { acknowledged: 0, applied: 0, refused: 0, 'not-sent': 0, unknown: 0 };
    for (const verdict of this.#verdicts.values()) totals[verdict]++;
    return totals;
  }

  /**
   * Writes one entry; never rejects.
   * @param deadline Bounds the call.
   */
  write(
    database: SurrealQueryable,
    entry: Entry,
    deadline: <Value>(call: PromiseLike<Value>) => Promise<Value>,
  ): Promise<Verdict> {
    return this.note(entry, deadline(database.query(block, bindingsOf(entry)).collect()));
  }

  /** The writes of one entry inside a transaction, whose end is noted by {@link note}. */
  static async writeIn(transaction: SurrealQueryable, entry: Entry): Promise<void> {
    await transaction.query(statements, bindingsOf(entry)).collect();
  }

  /** Notes what becomes of the writing of an entry; never rejects. */
  async note({ name }: Pick<Entry, 'name'>, work: PromiseLike<unknown>): Promise<Verdict> {
    const verdict = await work.then(
      () => 'acknowledged' as const,
      (error: unknown) => {
        const outcome = this.judge(error);
        const told = this.#errors.get(outcome) ?? new Set();
        this.#errors.set(outcome, told.add(String(error)));
        return outcome;
      },
    );
    this.#verdicts.set(name, verdict);
    return verdict;
  }

  /** What an error says of its call; every error has to be the pool's or the server's. */
  judge(error: unknown): CallOutcome {
    if (!(error instanceof PoolError || error instanceof ServerError)) this.strange.push(error);
    return outcomeOf(error);
  }

  /**
   * Everything in the database, or in several of which each has a part, that is not as it was said to be.
   * @param server `losesUpdates`: its engine does, when many write one record at once, so that the counters may lag.
   */
  async lies(server: { readonly ask: Ask | readonly Ask[]; readonly losesUpdates: boolean }): Promise<string[]> {
    const stored = await Promise.all([server.ask].flat().map(storedBehind));
    const entries = stored.flatMap((part) => part.entries);
    const times = new Map<string, number>();
    for (const entry of entries) times.set(entry.name, (times.get(entry.name) ?? 0) + entry.times);
    const lies: string[] = [];
    for (const [name, verdict] of this.#verdicts) {
      const found = times.get(name) ?? 0;
      const written = verdict === 'acknowledged' || verdict === 'applied';
      const right = written ? found === 1 : verdict === 'unknown' ? found <= 1 : found === 0;
      if (!right) lies.push(`${name} is "${verdict}", and was written ${found} times`);
    }
    for (const name of times.keys()) if (!this.#verdicts.has(name)) lies.push(`nobody wrote ${name}`);
    const written = entries.reduce((sum, entry) => sum + entry.times, 0);
    const counted = stored.reduce((sum, part) => sum + part.counted, 0);
    if (counted > written || (counted < written && !server.losesUpdates))
      lies.push(`${written} writes were counted as ${counted}`);
    return lies;
  }
}

async function storedBehind(ask: Ask): Promise<Stored> {
  const [stored] = (await ask(`RETURN {
    entries: (SELECT record::id(id) AS name, times FROM entry),
    counted: math::sum(SELECT VALUE value FROM counter),
  }`)) as [Stored];
  return stored;
}
