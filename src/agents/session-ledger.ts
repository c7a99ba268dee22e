import type { Call } from '../calls/call.js';
import type { Admission, Ledger, TransactionAdmission } from '../calls/ledger.js';
import { UsageError } from '../errors/configuration.js';
import { keywordOf } from '../surrealql/refused-statements.js';
import type { Answer } from '../wire/answer.js';
import { guarded } from './guarded-calls.js';
import { OtherAdmission, SessionCall } from './session-call.js';
import type { SessionKeeper } from './session-keeper.js';
import { SessionTransaction } from './session-transaction.js';

/** What admitting a call asks of the session. */
export interface LedgerKeeper extends SessionKeeper {
  readonly isClosed: boolean;
  /** @throws UsageError once `close()` was called */
  refuseNew(): void;
  /** Sends a call in a transaction of its own, in which the row of the audit is written too. */
  sendAudited(call: Call, channel: unknown): Promise<Answer>;
}

/** Admits the calls of a session. */
export class SessionLedger implements Ledger {
  readonly #core: LedgerKeeper;
  readonly #confirmed: boolean;

  /** @param confirmed whether its caller confirms what may be destructive */
  constructor(core: LedgerKeeper, confirmed: boolean) {
    this.#core = core;
    this.#confirmed = confirmed;
  }

  get judgesValues(): boolean {
    return this.#core.judgesValues;
  }

  admit(call: Call, single: boolean): Admission | Promise<Admission> {
    const core = this.#core;
    core.refuse(call, single);
    core.usage.admitOperation();
    if (single) {
      try {
        core.usage.admitConnection();
      } catch (error) {
        core.usage.giveBackOperation();
        throw error;
      }
      core.began();
    }
    const instead: Admission['instead'] =
      core.isStrict && mayWrite(call) ? (sent, channel) => core.sendAudited(sent, channel) : undefined;
    const counted = new SessionCall(core, call, single, instead);
    return guarded(core, counted, call, this.#confirmed);
  }

  admitOther(what: 'export' | 'import'): Admission {
    this.#core.refuseNew();
    if (what === 'import' && this.#core.isStrict) {
      throw new UsageError(
        "import() is in no transaction, so audit: 'strict' cannot keep its row with its work: import by the pool itself, or by a session with audit: 'after'",
      );
    }
    this.#core.usage.admitOperation();
    return new OtherAdmission(this.#core, what, this.#confirmed);
  }

  exporting(): () => void {
    const core = this.#core;
    core.began();
    return () => core.over();
  }

  admitConnection(): () => void {
    const { usage } = this.#core;
    this.#core.refuseNew();
    usage.admitConnection();
    return () => usage.releaseConnection();
  }

  admitTransaction(): TransactionAdmission {
    if (this.#core.isClosed) this.#core.refuseNew();
    this.#core.usage.admitTransaction();
    return new SessionTransaction(this.#core, this.#confirmed);
  }

  staysWhereItIs(what: string): Error {
    return new UsageError(
      `${what} on a lease of an agent session, which stays the same user in the same database: create another session, or acquire() from the pool`,
    );
  }
}

/** Whether a call is sent in a transaction for the row of its audit. LIVE and KILL cannot be, and write nothing. */
function mayWrite(call: Call): boolean {
  if (call.onlyReads) return false;
  const { statements } = call.surrealText.split;
  return !statements.every(({ tokens }) => keywordOf(tokens) === 'LIVE' || keywordOf(tokens) === 'KILL');
}
