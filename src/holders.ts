import { AsyncLocalStorage } from 'node:async_hooks';
import { NestedAcquireError, type PoolSnapshot } from './errors/acquire.js';

interface Holder {
  readonly connection: number;
  readonly stack: string;
  active: boolean;
}

/**
 * Knows which work runs inside a `withConnection()`. The classic outage of a pool: every connection is held by work that
 * waits for one more. Followed through `await` by AsyncLocalStorage; only scopes that end by themselves are followed, for
 * a bare `acquire()` has no end that could be seen from here.
 */
export class Holders {
  readonly #storage = new AsyncLocalStorage<Holder>();

  async run<T>(connection: number, stack: string, work: () => Promise<T> | T): Promise<T> {
    const holder: Holder = { connection, stack, active: true };
    try {
      // Awaited inside: a query that is returned and not awaited is sent only then.
      return await this.#storage.run(holder, async () => await work());
    } finally {
      holder.active = false;
    }
  }

  /** The error for an acquire by whoever holds a connection, when all are in use. */
  conflict(snapshot: PoolSnapshot): NestedAcquireError | undefined {
    const holder = this.#storage.getStore();
    if (holder === undefined || !holder.active || snapshot.leased < snapshot.maxConnections) return undefined;
    return new NestedAcquireError(
      `whoever asks holds connection ${holder.connection} already, and all ${snapshot.maxConnections} are in use: ` +
        `holders that wait for each other wait for ever; it was acquired here:\n${holder.stack}`,
      { snapshot, waited: 0, holder: holder.stack },
    );
  }
}
