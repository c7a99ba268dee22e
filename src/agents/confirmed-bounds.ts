import type { Ledger } from '../calls/ledger.js';
import type { CallLimits } from '../calls/limits.js';
import type { AcquireOptions } from '../manager/acquire-options.js';
import type { Lend } from '../manager/borrowing.js';
import type { ScopeBounds } from '../manager/scope-bounds.js';
import type { ScopeOptions } from '../manager/scope-options.js';
import { BoundLimits, type LimitSource } from './bound-limits.js';

/** The bounds of a session with another ledger. */
export class ConfirmedBounds implements ScopeBounds {
  readonly #bounds: ScopeBounds & LimitSource;
  readonly #ledger: Ledger;

  constructor(bounds: ScopeBounds & LimitSource, ledger: Ledger) {
    this.#bounds = bounds;
    this.#ledger = ledger;
  }

  refuseToLeave(given: ScopeOptions): void {
    this.#bounds.refuseToLeave(given);
  }

  limits(limits: CallLimits): CallLimits {
    return new BoundLimits(limits, this.#bounds, this.#ledger);
  }

  holding(asked: AcquireOptions): AcquireOptions {
    return this.#bounds.holding(asked);
  }

  get leases(): Lend {
    return this.#bounds.leases;
  }

  get singleCalls(): Lend {
    return this.#bounds.singleCalls;
  }
}
