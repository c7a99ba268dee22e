import { AsyncLocalStorage } from 'node:async_hooks';
import { NestedAcquireError, type PoolSnapshot } from '../errors/acquire.js';
import type { Origin } from '../pool/origin.js';

/** The connection that the work of a `withConnection()` holds. */
interface HeldConnection {
  readonly id: number;
  /**
   * Where it was acquired; undefined once it is released, since timers left behind by the work still see this object.
   */
  origin: Origin | undefined;
}

/**
 * Detects an acquire by work that already holds a connection, while all connections are in use. That is the classic
 * deadlock of a pool: all connections are held by work that waits for one more. AsyncLocalStorage tracks the work
 * through each `await`. Only `withConnection()` is tracked, because the guard cannot see where the work of a bare
 * `acquire()` ends.
 */
export class NestedAcquireGuard {
  readonly #storage = new AsyncLocalStorage<HeldConnection>();

  /** Runs the work of a `withConnection()`. */
  async run<T>(connection: number, origin: Origin, work: () => Promise<T> | T): Promise<T> {
    const held: HeldConnection = { id: connection, origin };
    try {
      // Awaited inside: a query that the work returns without awaiting is sent only now.
      return await this.#storage.run(held, async () => await work());
    } finally {
      held.origin = undefined;
    }
  }

  /** The error for an acquire now; undefined when its caller holds no connection, or the pool has one to lend. */
  refusal(snapshot: () => PoolSnapshot): NestedAcquireError | undefined {
    const held = this.#storage.getStore();
    if (held?.origin === undefined) return undefined;
    const seen = snapshot();
    if (seen.leased < seen.maxConnections) return undefined;
    const holder = held.origin.text;
    return new NestedAcquireError(
      `the caller holds connection ${held.id} already, and all ${seen.maxConnections} are in use: ` +
        `callers that hold one and wait for another wait for each other for ever; it was acquired here:\n${holder}`,
      { snapshot: seen, waited: 0, holder },
    );
  }
}
