import { beforeEach } from 'vitest';
import type {
  ConnectionManager,
  PooledConnection,
  PoolOptions,
  Transaction,
  TransactionOptions,
} from '../../src/index.js';
import type { Front } from './front.js';
import { place, surroundings } from './surroundings.js';
import { rocksdbUrl } from './temporary.js';
import { storedThings } from './things.js';

/** What a test of savepoints works with: a new pool on a new front for each test, over an engine with exact conflicts. */
export interface SavepointScene {
  readonly front: Front;
  readonly pool: ConnectionManager;
  /** Goes on with another pool on the same front. */
  reconnect(options: Partial<PoolOptions>): Promise<void>;
  begin(options?: TransactionOptions): Promise<{ connection: PooledConnection; transaction: Transaction }>;
  /** The numbers of the things that are stored. */
  stored(): Promise<unknown>;
  /** Changes something beside the pool, as another client does. */
  meddle(text: string): Promise<unknown[]>;
}

/** Call once at the top of a test file. */
export function savepointScene(): SavepointScene {
  const own = surroundings(rocksdbUrl());
  const made: { front?: Front; pool?: ConnectionManager } = {};
  beforeEach(async () => {
    made.front = await own.listen();
    made.pool = await own.connect(made.front);
    await own.engine.query('DEFINE TABLE OVERWRITE thing; REMOVE TABLE IF EXISTS surreal_pool_commit', place);
  });
  const present = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('there is a pool only while a test runs');
    return value;
  };
  const scene: SavepointScene = {
    get front() {
      return present(made.front);
    },
    get pool() {
      return present(made.pool);
    },
    async reconnect(options) {
      made.pool = await own.connect(scene.front, options);
    },
    async begin(options = {}) {
      const connection = await scene.pool.acquire();
      return { connection, transaction: await connection.beginTransaction(options) };
    },
    stored: () => storedThings(own),
    meddle: (text) => own.engine.query(text, place),
  };
  return scene;
}

/** The numbers of the things that a transaction sees. */
export async function numbersIn(transaction: Transaction): Promise<number[]> {
  const [numbers] = await transaction.query<[number[]]>('RETURN (SELECT VALUE record::id(id) FROM thing).sort()');
  return numbers;
}

/** A call that writes a part and fails. */
export async function fail(transaction: Transaction): Promise<void> {
  await transaction.query('CREATE thing:90; THROW "no"').collect();
}
