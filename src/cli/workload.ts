import { randomUUID } from 'node:crypto';
import { RecordId, type SurrealQueryable, Table } from 'surrealdb';
import type { Mix } from './load-plan.js';
import type { OperationKind } from './measurements.js';
import type { Random } from './seeded-random.js';

/** What a workload needs of a connection, or of a pool. */
export type Queryable = Pick<SurrealQueryable, 'query'>;

/** One statement to be run on a connection. */
export interface Operation {
  readonly kind: OperationKind;
  run(connection: Queryable): Promise<void>;
}

/** What the callers of a load do. */
export interface Workload {
  /** All or nothing: when it fails, there is nothing to clean up. */
  prepare(database: Queryable): Promise<void>;
  next(): Operation;
  /** Leaves the database as it was before. */
  cleanUp(database: Queryable): Promise<void>;
}

const seededRecords = 1_000;
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5);

/**
 * Reads and writes of single records in a table of its own: reads of a random one that is there, writes that by turns
 * create one under a new random id and update a random one that is there.
 */
export class RecordWorkload implements Workload {
  /** Not shared with another run, on this machine or elsewhere. */
  readonly table: Table = new Table(`load_${randomUUID().replaceAll('-', '').slice(0, 12)}`);
  readonly #shareOfReads: number;
  readonly #random: Random;
  #writes = 0;

  constructor(mix: Mix, random: Random = Math.random) {
    this.#random = random;
    this.#shareOfReads = mix.read / (mix.read + mix.write);
  }

  async prepare(database: Queryable): Promise<void> {
    const records = Array.from({ length: seededRecords }, (_, id) => ({ id, updates: 0, text }));
    // The table is defined before it is written to: parallel first writes to an undefined one conflict with each other.
    await database.query(
      `BEGIN; DEFINE TABLE ${this.table.name} SCHEMALESS; INSERT INTO $table $records RETURN NONE; COMMIT`,
      { table: this.table, records },
    );
  }

  next(): Operation {
    if (this.#random() < this.#shareOfReads) return this.#read();
    this.#writes++;
    return this.#writes % 2 === 1 ? this.#create() : this.#update();
  }

  async cleanUp(database: Queryable): Promise<void> {
    await database.query(`REMOVE TABLE IF EXISTS ${this.table.name}`);
  }

  #read(): Operation {
    const record = this.#seeded();
    return {
      kind: 'read',
      run: async (connection) => {
        const [found] = await connection.query<[unknown]>('SELECT * FROM ONLY $record', { record });
        if (found === undefined || found === null) throw new MissingRecordError(`${record} was not found`);
      },
    };
  }

  #create(): Operation {
    const record = new RecordId(this.table, randomUUID());
    const content = { updates: 0, text };
    return write('CREATE ONLY $record CONTENT $content RETURN NONE', { record, content });
  }

  #update(): Operation {
    return write('UPDATE ONLY $record SET updates += 1 RETURN NONE', { record: this.#seeded() });
  }

  #seeded(): RecordId {
    return new RecordId(this.table, Math.floor(this.#random() * seededRecords));
  }
}

/** A record that was stored before was not there: the database answered, but wrongly. */
class MissingRecordError extends Error {
  override readonly name = 'MissingRecordError';
}

function write(statement: string, bindings: Record<string, unknown>): Operation {
  return {
    kind: 'write',
    run: async (connection) => {
      await connection.query(statement, bindings);
    },
  };
}
