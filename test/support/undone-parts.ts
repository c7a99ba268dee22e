import {
  type ConnectionManager,
  type PooledConnection,
  SavepointDivergedError,
  SavepointLimitError,
  SavepointUnsupportedError,
  type Transaction,
  TransactionAbortedError,
  TransactionConflictError,
  UsageError,
  type WithTransactionOptions,
} from '../../src/index.js';

class Undone extends Error {}

/** Undoes a part of a transaction by a savepoint, or, for comparison, leaves it out. */
export type Undo = (transaction: Transaction, part?: () => PromiseLike<unknown>) => Promise<void>;

/** Runs the part and undoes it. Any error of the part itself is its own matter. */
export const undo: Undo = async (transaction, part = () => transaction.query('CREATE undone:1').collect()) => {
  const [result] = await Promise.allSettled([
    transaction.withSavepoint(async () => {
      await part();
      throw new Undone('undone');
    }),
  ]);
  if (result.status === 'rejected' && refusal(result.reason) !== undefined) throw result.reason;
};

const leaveOut: Undo = async () => {};

/** The name of the error by which a pool refuses to go on, also where another one has it as its cause. */
export function refusal(error: unknown): string | undefined {
  const kinds = [SavepointUnsupportedError, SavepointDivergedError, SavepointLimitError, TransactionConflictError];
  if (kinds.some((kind) => error instanceof kind)) return (error as Error).name;
  if (isStaleMoment(error)) return 'SavepointStaleMoment';
  return error instanceof TransactionAbortedError ? refusal(error.cause) : undefined;
}

/** Whether a call was refused because it gives back a moment that a rollback has replaced by a later one. */
export function isStaleMoment(error: unknown): boolean {
  return error instanceof UsageError && /time that the server had made/.test(error.message);
}

/** What is stored in these tables, as the server writes it. */
export async function stored(pool: ConnectionManager, tables: readonly string[]): Promise<string[]> {
  const rows = await pool.query<string[][]>(
    tables.map((table) => `SELECT VALUE <string>$this FROM ${table}`).join(';'),
  );
  return rows.flat();
}

export interface Story {
  /** Defines and fills the tables, which are removed before it. */
  readonly schema: string;
  readonly tables: readonly string[];
  /** What is looked at in the end instead of all that is stored: a text of one statement. */
  readonly look?: string;
  /** What the session has set before the transaction begins. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly options?: WithTransactionOptions;
  readonly work: (transaction: Transaction, undo: Undo, attempt: number) => Promise<unknown>;
}

export interface Told {
  readonly ending: string;
  readonly stored: readonly string[];
}

/** Tells a story with what it undoes, and without it. */
export async function bothWays(pool: ConnectionManager, story: Story): Promise<{ rolled: Told; plain: Told }> {
  return { rolled: await tell(pool, story, undo), plain: await tell(pool, story, leaveOut) };
}

async function tell(pool: ConnectionManager, story: Story, how: Undo): Promise<Told> {
  await prepared(pool, story);
  await using connection = await pool.acquire();
  for (const [name, value] of Object.entries(story.set ?? {})) await connection.set(name, value);
  const ending = await endingOf(connection, story, how);
  if (story.look === undefined) return { ending, stored: await stored(pool, story.tables) };
  const [seen] = await pool.query(`RETURN <string>(${story.look})`);
  return { ending, stored: [String(seen)] };
}

/** Removes what the last story left, and defines and fills its tables. */
export async function prepared(pool: ConnectionManager, story: Pick<Story, 'schema' | 'tables'>): Promise<void> {
  const removed = [...story.tables, 'undone'].map((table) => `REMOVE TABLE IF EXISTS ${table}; DEFINE TABLE ${table}`);
  await pool.query(`${removed.join(';')}; ${story.schema}`);
}

/** `committed`, the name of the error by which the pool refused, or the message of any other one. */
async function endingOf(connection: PooledConnection, story: Story, how: Undo): Promise<string> {
  const [result] = await Promise.allSettled([
    connection.withTransaction((transaction, attempt) => story.work(transaction, how, attempt), {
      retry: false,
      ...story.options,
    }),
  ]);
  if (result.status === 'fulfilled') return 'committed';
  return refusal(result.reason) ?? String(result.reason);
}
