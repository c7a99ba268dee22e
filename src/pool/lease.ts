import { LeaseReleasedError } from '../errors/call.js';
import type { CloseReason } from './close-reason.js';
import type { Loan } from './fair-order.js';
import type { Origin } from './origin.js';
import type { Tenant } from './tenant.js';

/** A lent connection, as its lease sees it. */
export interface Lent<R> {
  readonly id: number;
  /** How often it was lent, this time included. */
  readonly uses: number;
  readonly resource: R | undefined;
  readonly sharers: ReadonlySet<unknown>;
  retirement: CloseReason | undefined;
}

/** A seat on a connection that single calls share, as its lease sees it. */
export interface LentSeat {
  /** Whether its calls may share a message with others. */
  readonly joins: boolean;
  /** Its message is being sent: further calls cannot join. */
  close(): void;
}

/** What a lease asks of its pool. */
export interface LeaseOwner<R> {
  release(lease: Lease<R>, lent: Lent<R>): void;
}

/** Counts the leases of one caller. */
export interface LeaseHolder {
  /** Called once, when the lease ends in whatever way. `now` on the pool's clock. */
  leaseEnded(lease: Lease<unknown>, now: number): void;
}

/** One loan of one connection, from `acquire()` to `release()`. */
export class Lease<R> implements Loan {
  #state: 'active' | 'released' | 'revoked' = 'active';
  readonly #owner: LeaseOwner<R>;
  readonly #lent: Lent<R>;
  #marked = false;
  #expiry: string | undefined;
  #origin: Origin | undefined;
  #holder: LeaseHolder | undefined = undefined;

  /** How often the connection was lent, this time included. */
  readonly uses: number;

  /** When the loan began, on the pool's clock. */
  readonly since: number;
  /** Whose part of the pool it is. */
  readonly tenant: Tenant;
  /** How much of the connection it has: 1 for all of it. */
  readonly portion: number;
  /**
   * How long such a lease of the tenant usually takes, in milliseconds: what it counts as at the least. Undefined when it
   * does not count, since there was no other tenant.
   */
  readonly promised: number | undefined;
  /** Its seat on a connection that single calls share; undefined when it has the connection to itself. */
  readonly seat: LentSeat | undefined;
  #watchesIdle = false;
  #atEnd: (() => void) | undefined = undefined;

  /** @internal */
  constructor(
    owner: LeaseOwner<R>,
    lent: Lent<R>,
    /** The number of its acquire, unique within the pool: that of the events `acquireStarted` and `acquired`. */
    readonly acquire: number,
    tenant: Tenant,
    since: number,
    origin: Origin | undefined,
    seat: LentSeat | undefined,
    portion: number,
    promised: number | undefined,
  ) {
    this.#owner = owner;
    this.#lent = lent;
    this.tenant = tenant;
    this.promised = promised;
    this.uses = lent.uses;
    this.since = since;
    this.#origin = origin;
    this.seat = seat;
    this.portion = portion;
  }

  /** The number of the connection, unique within the pool. */
  get id(): number {
    return this.#lent.id;
  }

  /**
   * The stack of its acquire, if recorded. Undefined once the lease has ended, so that an ended lease that is kept
   * holds no stack.
   */
  get origin(): Origin | undefined {
    return this.#origin;
  }

  /** Whether the lease is still active: false after `release()`, and after a shutdown whose grace period ended. */
  get active(): boolean {
    return this.#state === 'active';
  }

  /** The connection; undefined after the end of the lease. */
  get present(): R | undefined {
    return this.#state === 'active' ? this.#lent.resource : undefined;
  }

  /**
   * The connection.
   * @throws LeaseReleasedError after the end of the lease.
   */
  get resource(): R {
    if (this.#state !== 'active') throw this.ended();
    // A connection that left `opening` without being closed has its resource.
    return this.#lent.resource as R;
  }

  /** Marks the connection to be closed at release instead of reused. No effect after the end of the lease. */
  markForRecycling(reason: CloseReason = 'recycled'): void {
    if (this.#state !== 'active') return;
    this.#marked = true;
    this.#lent.retirement ??= reason;
  }

  get markedForRecycling(): boolean {
    return this.#marked || (this.#state === 'active' && this.#lent.retirement !== undefined);
  }

  /** Whether it has given its connection back for a while: never, unlike a lease that may. */
  get isParked(): boolean {
    return false;
  }

  /** The holder that counts it is told when it ends. It has one for all its time. */
  countedBy(holder: LeaseHolder): void {
    this.#holder ??= holder;
  }

  /** Whether its holder looks itself for times without calls; then the pool does not report them. */
  get watchesIdle(): boolean {
    return this.#watchesIdle;
  }

  /** Its holder looks for times without calls from now on. */
  watchIdle(): void {
    this.#watchesIdle = true;
  }

  /** Calls this once when the lease ends, in whatever way; only the last function given is called. It must not throw. */
  atEnd(callback: () => void): void {
    this.#atEnd = callback;
  }

  isHeldBy(holder: LeaseHolder): boolean {
    return this.#holder === holder;
  }

  /** Whether no other call is under way on the connection. */
  get isAlone(): boolean {
    return this.#lent.sharers.size <= 1;
  }

  /** Gives the connection back. A second call only emits an event. Never throws. */
  release(): void {
    this.#owner.release(this, this.#lent);
  }

  /** Ends it for this reason, because its holder kept it for too long. */
  expire(reason: string): void {
    if (this.#state !== 'active') return;
    this.#expiry = reason;
    this.release();
  }

  /** Whether it was ended by {@link expire}: then its holder rightly releases it later. */
  get expired(): boolean {
    return this.#expiry !== undefined;
  }

  /** The error for a use after the end; it says how the lease ended. */
  ended(): LeaseReleasedError {
    if (this.#expiry !== undefined) return new LeaseReleasedError(this.#expiry);
    return new LeaseReleasedError(
      this.#state === 'revoked'
        ? `the lease of connection ${this.#lent.id} was aborted: the pool shut down and its grace period is over`
        : `the lease of connection ${this.#lent.id} was released: acquire a new one, and keep no query of the old one`,
    );
  }

  /** @internal Ends the lease and returns its state before. */
  end(state: 'released' | 'revoked', now: number): 'active' | 'released' | 'revoked' {
    const before = this.#state;
    if (before === 'active') {
      this.#state = state;
      this.#origin = undefined;
      this.#holder?.leaseEnded(this, now);
      this.#atEnd?.();
    }
    return before;
  }
}
