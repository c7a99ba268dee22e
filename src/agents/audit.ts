import { type DatabaseName, databaseKey } from '../config/database-name.js';
import { AuditError } from '../errors/audit.js';
import { messageOf } from '../errors/error-message.js';
import type { Clock, Timer } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';
import { SingleFlight } from '../time/single-flight.js';
import type { AuditRow } from './audit-row.js';
import { definitionOf, whyUnfit } from './audit-table.js';

/** Rows wait this long for others, in milliseconds, and at most so many go in one statement. */
const longestWait = 200;
const mostInOne = 200;
/** How many rows may wait for a database that does not take them. */
const mostWaiting = 10_000;

/** What the audit of a pool needs. */
export interface AuditParts {
  readonly clock: Clock;
  /** Runs a text on a connection beside the pool, as the pool's own user in this database. Resolves to its answers. */
  define(database: DatabaseName, text: string): Promise<readonly unknown[]>;
  /** Runs a text by a connection of the pool, as the pool's own user in this database. */
  write(database: DatabaseName, text: string, bindings: Record<string, unknown>): Promise<void>;
  /** Rows were lost. */
  onLost(rows: number, error: unknown): void;
}

interface Queue {
  readonly database: DatabaseName;
  readonly table: string;
  rows: AuditRow[];
}

/**
 * The audit tables of the databases of a pool: defines them, and writes the rows that are not a part of a transaction.
 * A row is never changed.
 */
export class Audit {
  readonly #parts: AuditParts;
  readonly #tables = new SingleFlight<string, true>();
  readonly #defined = new Set<string>();
  readonly #queues = new Map<string, Queue>();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** How many rows are not written yet. */
  #waiting = 0;
  #lost = 0;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** How many rows could not be written. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Undefined when the table is there; else a promise that resolves when it is.
   * @throws AuditError when it cannot be defined
   */
  prepare(database: DatabaseName, table: string): Promise<void> | undefined {
    const key = keyOf(database, table);
    return this.#defined.has(key) ? undefined : this.#define(database, table, key);
  }

  async #define(database: DatabaseName, table: string, key: string): Promise<void> {
    const where = `"${database.namespace}/${database.database}"`;
    try {
      await this.#tables.run(key, async () => {
        const answers = await this.#parts.define(database, definitionOf(table));
        const unfit = whyUnfit(answers.at(-1));
        if (unfit !== undefined) {
          throw new AuditError(
            `the table ${table} in ${where} cannot be an audit table, so nothing was sent: ${unfit}; remove it, or choose another auditTable`,
          );
        }
        this.#defined.add(key);
        return true;
      });
    } catch (cause) {
      if (cause instanceof AuditError) throw cause;
      throw new AuditError(
        `the audit table ${table} cannot be defined in ${where}, so nothing was sent: ${messageOf(cause)}; the user of the pool needs the role EDITOR or OWNER there`,
        { cause },
      );
    }
  }

  /** Writes a row some time later, together with others. */
  add(database: DatabaseName, table: string, row: AuditRow): void {
    const key = keyOf(database, table);
    const queue = this.#queues.get(key) ?? { database, table, rows: [] };
    this.#queues.set(key, queue);
    if (this.#waiting >= mostWaiting) {
      this.#lose(1, new AuditError(`${mostWaiting} rows wait for the audit table ${table} already`));
      return;
    }
    queue.rows.push(row);
    this.#waiting++;
    if (queue.rows.length >= mostInOne) void this.flush();
    else {
      this.#timer ??= inOwnContext(() =>
        this.#parts.clock.timer(longestWait, false, () => {
          void this.flush();
        }),
      );
    }
  }

  /** Writes the rows that wait. Never rejects: rows that cannot be written are counted as lost. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const queues = [...this.#queues.values()];
    this.#queues.clear();
    if (queues.length === 0) return this.#writing;
    // One after the other, so that a slow database is not asked again and again.
    this.#writing = this.#writing.then(async () => {
      for (const queue of queues) await this.#write(queue);
    });
    return this.#writing;
  }

  async #write({ database, table, rows }: Queue): Promise<void> {
    for (let from = 0; from < rows.length; from += mostInOne) {
      const some = rows.slice(from, from + mostInOne);
      try {
        const preparing = this.prepare(database, table);
        if (preparing !== undefined) await preparing;
        await this.#parts.write(database, `INSERT INTO ${table} $rows RETURN NONE`, { rows: some });
      } catch (error) {
        this.#lose(some.length, error);
      } finally {
        this.#waiting -= some.length;
      }
    }
  }

  #lose(rows: number, error: unknown): void {
    this.#lost += rows;
    this.#parts.onLost(rows, error);
  }
}

function keyOf(database: DatabaseName, table: string): string {
  return `${databaseKey(database)} ${table}`;
}
