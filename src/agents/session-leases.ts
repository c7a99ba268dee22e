import type { Lend } from '../manager/borrowing.js';
import type { Lease, LeaseHolder } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import type { Usage } from './usage.js';

/** What borrowing in the name of a session asks of it. */
export interface LeaseKeeper {
  readonly usage: Usage;
  /** @throws UsageError once `close()` was called */
  refuseNew(): void;
  /** Something that `close()` has to wait for began. */
  began(): void;
  /** Borrows a connection with the session's part of the pool. */
  borrow(options: Wish[0], identity: Wish[1], details: Wish[2]): Promise<Lease<Connection>>;
  /** The error for a caller who got no connection. */
  notLent(error: unknown): unknown;
  /** A connection was lent. */
  holds(): void;
  /** A connection has worked for the session. Returns for how long, in milliseconds. */
  worked(lease: Lease<unknown>, now: number): number;
}

export type Wish = Parameters<Lend['lease']>;

/**
 * The connections that callers of a session hold. Written with `then`, and with functions that all leases share: an async
 * function would cost an acquire more than all that is counted.
 */
export class HeldLeases implements LeaseHolder, Lend {
  readonly #core: LeaseKeeper;
  readonly #lent = (lease: Lease<Connection>): Lease<Connection> => {
    lease.countedBy(this);
    this.#core.holds();
    return lease;
  };
  readonly #failed = (error: unknown): never => {
    this.#core.usage.releaseConnection();
    throw this.#core.notLent(error);
  };

  constructor(core: LeaseKeeper) {
    this.#core = core;
  }

  lease(options: Wish[0], identity: Wish[1], details: Wish[2]): Promise<Lease<Connection>> {
    const core = this.#core;
    core.refuseNew();
    core.usage.admitConnection();
    core.began();
    let lending: Promise<Lease<Connection>>;
    try {
      lending = core.borrow(options, identity, details);
    } catch (error) {
      return this.#failed(error);
    }
    return lending.then(this.#lent, this.#failed);
  }

  leaseEnded(lease: Lease<unknown>, now: number): void {
    const core = this.#core;
    core.usage.releaseConnection(core.worked(lease, now));
  }
}

/** The connections of single calls, which are counted with their calls. */
export class SingleCalls implements LeaseHolder, Lend {
  readonly #core: LeaseKeeper;

  constructor(core: LeaseKeeper) {
    this.#core = core;
  }

  async lease(options: Wish[0], identity: Wish[1], details: Wish[2]): Promise<Lease<Connection>> {
    const core = this.#core;
    core.began();
    let lease: Lease<Connection>;
    try {
      lease = await core.borrow(options, identity, details);
    } catch (error) {
      throw core.notLent(error);
    }
    lease.countedBy(this);
    core.holds();
    return lease;
  }

  leaseEnded(lease: Lease<unknown>, now: number): void {
    this.#core.worked(lease, now);
  }
}
