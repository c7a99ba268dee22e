import type { CallLimits } from '../calls/limits.js';
import type { AcquireOptions } from './acquire-options.js';
import type { Lend } from './borrowing.js';
import type { ScopeOptions } from './scope-options.js';

/** What a scope that belongs to an agent session obeys beside its options. All scopes made from it obey the same. */
export interface ScopeBounds {
  /**
   * Refuses options that would leave the user or the database of the session.
   * @throws UsageError
   */
  refuseToLeave(given: ScopeOptions): void;
  /** The limits of its calls, with the ledger that admits them. */
  limits(limits: CallLimits): CallLimits;
  /** The options of an acquire, with how long the session may hold a connection. */
  holding(asked: AcquireOptions): AcquireOptions;
  /** Borrows connections in the name of the session, which counts them. Its promise rejects also with AgentLimitError. */
  readonly leases: Lend;
  /** The same for single calls, whose connections were counted with the calls. */
  readonly singleCalls: Lend;
}
