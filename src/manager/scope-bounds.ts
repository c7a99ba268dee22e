import type { CallLimits } from '../calls/limits.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import type { ScopeOptions } from './scope-options.js';

/** What a scope that belongs to an agent session obeys beside its options. All scopes made from it obey the same. */
export interface ScopeBounds {
  /**
   * Refuses options that would leave the user or the database of the session.
   * @throws UsageError
   */
  refuse(given: ScopeOptions): void;
  /** The limits of its calls, with the ledger that admits them. */
  limits(limits: CallLimits): CallLimits;
  /**
   * Borrows a connection in the name of the session.
   * @param counts whether it is a connection that the caller holds; one of a single call was counted with the call
   * @throws AgentLimitError, UsageError, and what borrowing does
   */
  lend(
    borrow: (signal: AbortSignal | undefined) => Promise<Lease<Connection>>,
    signal: AbortSignal | undefined,
    counts: boolean,
  ): Promise<Lease<Connection>>;
}
