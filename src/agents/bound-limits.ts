import type { Ledger } from '../calls/ledger.js';
import type { CallLimits } from '../calls/limits.js';
import type { Connection } from '../session/connection.js';

/** What a session adds to the limits of its calls, at each call anew. */
export interface LimitSource {
  /** The limit `queryTimeout` of the session, in milliseconds; 0 for none. */
  readonly queryTimeout: number;
  /** Ends the calls of the session, together with another signal. */
  signalWith(signal: AbortSignal | undefined): AbortSignal | undefined;
}

/** The limits of the calls of a session: those of the pool or the caller, and those of the session as they are now. */
export class BoundLimits implements CallLimits {
  readonly #base: CallLimits;
  readonly #source: LimitSource;
  readonly ledger: Ledger;

  constructor(base: CallLimits, source: LimitSource, ledger: Ledger) {
    this.#base = base;
    this.#source = source;
    this.ledger = ledger;
  }

  get queryTimeout(): number {
    return shorter(this.#base.queryTimeout, this.#source.queryTimeout);
  }

  get signal(): AbortSignal | undefined {
    return this.#source.signalWith(this.#base.signal);
  }

  get retireOn(): ((error: unknown) => boolean) | undefined {
    return this.#base.retireOn;
  }

  get sever(): (connection: Connection) => void {
    return this.#base.sever;
  }
}

/** The shorter of two durations, of which 0 is none. */
export function shorter(one: number, other: number): number {
  if (one === 0 || other === 0) return one + other;
  return Math.min(one, other);
}
