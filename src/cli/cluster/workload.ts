import { Table } from 'surrealdb';
import { outcomeOf } from '../../errors/outcome.js';
import type { ConnectionManager } from '../../manager.js';
import type { OperationKind } from '../measurements.js';
import type { Random } from '../seeded-random.js';
import type { Operation, Workload } from '../workload.js';
import type { Calls } from './calls.js';
import { Ledger } from './ledger.js';

const rowsOfTransaction = 2;

/** Of ten calls six read, three write a row, and one is a transaction of two rows that finds out about a lost commit. */
export class ClusterWorkload implements Workload {
  readonly table: Table = new Table('written');
  readonly ledger: Ledger = new Ledger();
  readonly #pool: ConnectionManager;
  readonly #calls: Calls;
  readonly #random: Random;

  constructor(pool: ConnectionManager, calls: Calls, random: Random) {
    this.#pool = pool;
    this.#calls = calls;
    this.#random = random;
  }

  async prepare(): Promise<void> {
    // The table of the markers of transactions is made by the first one, which is not to be one that is measured.
    await this.#pool.query(`DEFINE TABLE ${this.table.name} SCHEMALESS; DEFINE TABLE seen SCHEMALESS; CREATE seen:1`);
    await this.#pool.withTransaction((transaction) => transaction.query('UPDATE seen:1 SET first = true'), {
      verifyCommit: true,
    });
  }

  next(): Operation {
    const drawn = this.#random();
    if (drawn < 0.6) {
      return this.#measured('read', () => this.#pool.query('SELECT * FROM ONLY seen:1'));
    }
    return drawn < 0.9 ? this.#write() : this.#transaction();
  }

  async cleanUp(): Promise<void> {}

  /** How many rows of each write the store has. */
  async stored(): Promise<Map<string, number>> {
    const [keys] = await this.#pool.query<[string[]]>('SELECT VALUE key FROM $table', { table: this.table });
    const rows = new Map<string, number>();
    for (const key of keys) rows.set(key, (rows.get(key) ?? 0) + 1);
    return rows;
  }

  #write(): Operation {
    return this.#recorded(1, (key) =>
      this.#pool.query('CREATE $table SET key = $key RETURN NONE', { table: this.table, key }),
    );
  }

  #transaction(): Operation {
    return this.#recorded(rowsOfTransaction, (key) =>
      this.#pool.withTransaction(
        async (transaction) => {
          for (let row = 0; row < rowsOfTransaction; row++) {
            await transaction.query('CREATE $table SET key = $key RETURN NONE', { table: this.table, key });
          }
        },
        { verifyCommit: true },
      ),
    );
  }

  /** An id would refuse a row that is written a second time; so these have none of their own, and are counted. */
  #recorded(rows: number, work: (key: string) => Promise<unknown>): Operation {
    return this.#measured('write', async () => {
      const key = this.ledger.begin(rows);
      try {
        await work(key);
        this.ledger.end(key, 'made');
      } catch (error) {
        this.ledger.end(key, outcomeOf(error) === 'unknown' ? 'unknown' : 'not made');
        throw error;
      }
    });
  }

  #measured(kind: OperationKind, work: () => Promise<unknown>): Operation {
    return {
      kind,
      run: async () => {
        const began = performance.now();
        let failure: unknown;
        try {
          await work();
        } catch (error) {
          failure = error;
          throw error;
        } finally {
          const now = performance.now();
          this.#calls.ended(now - began, now, failure);
        }
      },
    };
  }
}
