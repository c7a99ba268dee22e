import { randomUUID } from 'node:crypto';
import { RecordId, Table } from 'surrealdb';
import type { PasswordCredentials } from '../../config/identity-options.js';
import type { PoolOptions } from '../../config/options.js';
import type { AcquireOptions } from '../../manager/acquire-options.js';
import { type ConnectionManager, createPool } from '../../manager.js';
import { Measurements, type OperationKind } from '../measurements.js';
import type { MessageFigures } from '../message-figures.js';
import type { Queryable } from '../workload.js';

/** Where a scenario runs, and for how long if it has no end of its own. */
export interface Place {
  readonly endpoint: string;
  /** The addresses, when there are several servers. */
  readonly addresses?: readonly string[];
  readonly namespace: string;
  readonly database: string;
  readonly credentials: PasswordCredentials | null;
  /** In milliseconds. */
  readonly duration: number;
  /** Ends the scenario before `duration`. */
  readonly stop: AbortSignal;
  /** Called with the pool of the scenario. */
  readonly opened?: (pool: ConnectionManager) => void;
}

/** One condition of a scenario, and whether it held. */
export interface Expectation {
  readonly text: string;
  readonly actual: string;
  readonly held: boolean;
}

/** How long beyond its duration a scenario waits for its conditions, in milliseconds. */
const patience = 20_000;

const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5);

/** The setting of a scenario: a pool, its own table, counted operations, and the conditions that must hold. */
export class Scene {
  /** Not shared with another run. */
  readonly name: string = `load_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  readonly table: Table = new Table(this.name);
  readonly place: Place;
  readonly expectations: Expectation[] = [];
  /** How its single calls were sent to the server; null when it is not about single calls. */
  messages: MessageFigures | null = null;
  #measurements = new Measurements(performance.now());
  #pool: ConnectionManager | undefined;
  #serverVersion = 'unknown';

  constructor(place: Place) {
    this.place = place;
  }

  /**
   * Opens the pool and defines the table. A scenario has one pool, since a database on disk can be opened only once.
   */
  async open(options: Partial<PoolOptions>): Promise<ConnectionManager> {
    const { endpoint, addresses = [endpoint], namespace, database, credentials } = this.place;
    const pool = await createPool([...addresses], { namespace, database, credentials, ...options });
    this.#pool = pool;
    this.place.opened?.(pool);
    this.#serverVersion = (await pool.version()).version;
    // Concurrent first writes to an undefined table conflict with each other.
    await pool.query(`DEFINE TABLE IF NOT EXISTS ${this.name} SCHEMALESS`);
    this.#measurements = new Measurements(performance.now());
    return pool;
  }

  get pool(): ConnectionManager {
    if (this.#pool === undefined) throw new Error('the scenario has not opened its pool yet');
    return this.#pool;
  }

  /** The version of the server, or of the engine inside this process. */
  get serverVersion(): string {
    return this.#serverVersion;
  }

  get measurements(): Measurements {
    return this.#measurements;
  }

  /** Operations that succeeded, failed, and all that ended. */
  get counts(): { succeeded: number; failed: number; total: number } {
    const { succeeded, failed } = this.#measurements;
    const well = succeeded.read + succeeded.write;
    return { succeeded: well, failed, total: well + failed };
  }

  /** Borrows a connection for `work` and counts the result. Never rejects; resolves with whether it succeeded. */
  operate(
    kind: OperationKind,
    work: (connection: Queryable) => Promise<unknown>,
    options: AcquireOptions = {},
  ): Promise<boolean> {
    return this.measured(kind, (lent) =>
      this.pool.withConnection(async (connection) => {
        lent();
        await work(connection);
      }, options),
    );
  }

  /** Counts the result of work that borrows its connection itself, and calls `lent` when it has one. */
  async measured(kind: OperationKind, work: (lent: () => void) => Promise<unknown>): Promise<boolean> {
    const asked = performance.now();
    let lent: number | undefined;
    const steps = () => ({ due: asked, asked, lent, ended: performance.now() });
    try {
      await work(() => {
        lent ??= performance.now();
      });
      this.#measurements.recordSuccess(kind, steps());
      return true;
    } catch (error) {
      this.#measurements.recordFailure(error, steps());
      return false;
    }
  }

  /** Stores one record under a new id. */
  async store(connection: Queryable): Promise<void> {
    const record = new RecordId(this.table, randomUUID());
    await connection.query('CREATE ONLY $record CONTENT $content RETURN NONE', { record, content: { text } });
  }

  /** How many records are stored. */
  async stored(connection: Queryable = this.pool): Promise<number> {
    const [rows] = await connection.query<[{ count: number }[]]>('SELECT count() FROM $table GROUP ALL', {
      table: this.table,
    });
    return rows[0]?.count ?? 0;
  }

  /**
   * Runs workers, each doing one operation after another until `enough`, until `stop` is aborted, or until the patience
   * for an unmet condition is over.
   */
  async work(workers: number, operation: (worker: number) => Promise<unknown>, enough: () => boolean): Promise<void> {
    const over = (): boolean => enough() || this.place.stop.aborted || this.#elapsed > this.place.duration + patience;
    const one = async (worker: number): Promise<void> => {
      while (!over()) await operation(worker);
    };
    await Promise.all(Array.from({ length: workers }, (_, worker) => one(worker)));
  }

  /** Whether the scenario has run for its `duration`. */
  lastsLongEnough(): boolean {
    return this.#elapsed >= this.place.duration;
  }

  get #elapsed(): number {
    return performance.now() - this.#measurements.started;
  }

  expect(text: string, actual: string | number, held: boolean): void {
    this.expectations.push({
      text,
      actual: typeof actual === 'number' ? actual.toLocaleString('en-US') : actual,
      held,
    });
  }

  /** Expects that at least this share of all operations, in percent, succeeded. */
  expectSuccess(percent: number): void {
    const { succeeded, total } = this.counts;
    const held = total > 0 && 100 * succeeded >= percent * total;
    const share = percent === 100 ? 'all operations succeed' : `at least ${percent} % of all operations succeed`;
    this.expect(share, `${succeeded.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`, held);
  }

  /** Expects that exactly the acknowledged writes are stored. */
  async expectNothingLost(connection: Queryable = this.pool): Promise<void> {
    const stored = await this.stored(connection);
    const acknowledged = this.#measurements.succeeded.write;
    const actual = `${stored.toLocaleString('en-US')} of ${acknowledged.toLocaleString('en-US')}`;
    this.expect('every acknowledged write is stored, once', actual, stored === acknowledged);
  }

  /** Expects that all leases were released and no caller waits. */
  expectRest(): void {
    const { leased, waiting } = this.pool.poolStats();
    this.expect(
      'no connection is lent and no caller waits at the end',
      `${leased} lent, ${waiting} wait`,
      leased + waiting === 0,
    );
  }

  /** Restores the database and closes everything. */
  async end(): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return;
    // A database in memory disappears by itself.
    if (pool.state !== 'draining' && pool.state !== 'closed' && !this.place.endpoint.startsWith('mem:')) {
      await pool.query(`REMOVE TABLE IF EXISTS ${this.name}`).catch(() => {});
    }
    await pool.shutdown({ gracePeriod: 0 });
  }
}
