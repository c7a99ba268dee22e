import type { Call } from '../calls/call.js';
import type { EndedCall } from './session-log.js';
import type { Usage } from './usage.js';

/** What a call or a transaction of a session has done, when it has ended. */
export interface Ended extends EndedCall {
  /** The hashes of its calls, if the session has an audit. */
  readonly hashes: readonly Buffer[];
  /** The kind of the error, if it failed. */
  readonly error: string | undefined;
  /** Whether there is a row already, which was written with the work. */
  readonly audited: boolean;
}

/** What the calls and transactions of a session ask of it. */
export interface SessionKeeper {
  readonly agentId: string;
  readonly sessionId: string;
  readonly usage: Usage;
  /** The table of its audit; undefined without one. */
  readonly auditTable: string | undefined;
  /** Whether its rows are written in the transaction of the work. */
  readonly isStrict: boolean;
  /** Whether guards or the audit look at the values of its calls. */
  readonly judgesValues: boolean;
  /** Checks whether the session is open and whether it may send a call at all. @throws UsageError, StatementRefusedError */
  refuse(call: Call, isNew: boolean): void;
  /** Asks the guards. @throws StatementRefusedError */
  guard(call: Call, confirmed: boolean): Promise<void> | undefined;
  /** Something that `close()` has to wait for began, or ended. */
  began(): void;
  over(): void;
  /** Keeps a call or a transaction in the log, and in the audit. */
  note(ended: Ended): void;
  /** Undefined when the audit table is there. @throws AuditError */
  prepareAudit(): Promise<void> | undefined;
}
