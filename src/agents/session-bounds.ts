import type { Ledger } from '../calls/ledger.js';
import type { CallLimits } from '../calls/limits.js';
import { parseDuration } from '../config/duration.js';
import { UsageError } from '../errors/configuration.js';
import type { AcquireOptions } from '../manager/acquire-options.js';
import type { Lend } from '../manager/borrowing.js';
import type { ScopeBounds } from '../manager/scope-bounds.js';
import type { ScopeOptions } from '../manager/scope-options.js';
import { BoundLimits, type LimitSource, shorter } from './bound-limits.js';

/** What the bounds of its scopes ask of a session. */
export interface BoundingSession extends LimitSource {
  /** How long it may hold connections, in milliseconds; 0 for ever. */
  readonly usage: { readonly maxHold: number };
  readonly leases: Lend;
  readonly singleCalls: Lend;
}

/** What the scopes of a session obey. */
export class SessionBounds implements ScopeBounds {
  readonly #session: BoundingSession;
  readonly #ledger: Ledger;
  #bound: { readonly base: CallLimits; readonly limits: CallLimits } | undefined;

  /** @param ledger admits the calls of these scopes */
  constructor(session: BoundingSession, ledger: Ledger) {
    this.#session = session;
    this.#ledger = ledger;
  }

  refuseToLeave(given: ScopeOptions): void {
    const name = identityNames.find((one) => one in given);
    if (name === undefined) return;
    throw new UsageError(
      `${name} within an agent session, whose user and database are those of createSession(): create another session, with this one as its parent if it is to share its limits`,
    );
  }

  limits(base: CallLimits): CallLimits {
    // Most leases of a session have the limits of the pool, which are one object.
    if (this.#bound?.base !== base) {
      this.#bound = { base, limits: new BoundLimits(base, this.#session, this.#ledger) };
    }
    return this.#bound.limits;
  }

  holding(asked: AcquireOptions): AcquireOptions {
    const { maxHold, whileIdle, idleAfter } = asked;
    // The session itself looks after leases that ask for nothing of their own.
    if (maxHold === undefined && whileIdle === undefined && idleAfter === undefined) return asked;
    const given = maxHold === undefined ? 0 : parseDuration(maxHold);
    return { ...asked, maxHold: shorter(given, this.#session.usage.maxHold) };
  }

  get leases(): Lend {
    return this.#session.leases;
  }

  get singleCalls(): Lend {
    return this.#session.singleCalls;
  }
}

const identityNames = ['namespace', 'database', 'credentials', 'credentialsKey'] as const;
