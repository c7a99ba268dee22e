import { AsyncLocalStorage } from 'node:async_hooks';
import { NestedAcquireError, type PoolSnapshot } from '../errors/acquire.js';
import type { Origin } from '../pool/origin.js';

/** The lease of a `withConnection()`. */
export interface GuardedLease {
  readonly id: number;
  /** Whether it has given its connection back for a while. */
  readonly isParked: boolean;
}

/** What the work of a `withConnection()` holds. */
interface Holding {
  /** Undefined once it is released, since timers left behind by the work still see this object. */
  lease: GuardedLease | undefined;
  /** Where it was acquired. */
  readonly origin: Origin;
  /** That of the `withConnection()` around this one. */
  readonly outer: Holding | undefined;
}

/**
 * Detects an acquire by work that already holds a connection, while all connections are in use. That is the classic
 * deadlock of a pool: all connections are held by work that waits for one more. AsyncLocalStorage tracks the work
 * through each `await`. Only `withConnection()` is tracked, because the guard cannot see where the work of a bare
 * `acquire()` ends.
 */
export class NestedAcquireGuard {
  readonly #storage = new AsyncLocalStorage<Holding>();

  /** Runs the work of a `withConnection()`. */
  async run<T>(lease: GuardedLease, origin: Origin, work: () => Promise<T> | T): Promise<T> {
    const outer = this.#storage.getStore();
    const held: Holding = { lease, origin, outer: outer?.lease === undefined ? undefined : outer };
    try {
      // Awaited inside: a query that the work returns without awaiting is sent only now.
      return await this.#storage.run(held, async () => await work());
    } finally {
      held.lease = undefined;
    }
  }

  /** The error for an acquire now; undefined when its caller holds no connection, or the pool has one to lend. */
  refusal(snapshot: () => PoolSnapshot): NestedAcquireError | undefined {
    let held = this.#storage.getStore();
    // A parked lease keeps no connection from others while it waits.
    while (held !== undefined && held.lease?.isParked !== false) held = held.outer;
    if (held?.lease === undefined) return undefined;
    const seen = snapshot();
    if (seen.leased < seen.maxConnections) return undefined;
    const holder = held.origin.text;
    return new NestedAcquireError(
      `the caller holds connection ${held.lease.id} already, and all ${seen.maxConnections} are in use: ` +
        `callers that hold one and wait for another wait for each other for ever; it was acquired here:\n${holder}`,
      { snapshot: seen, waited: 0, holder },
    );
  }
}
