import { BoundQuery } from 'surrealdb';
import type { Call } from '../calls/call.js';
import type { Admission, LastStatement, TransactionAdmission, TransactionOutcome } from '../calls/ledger.js';
import { AuditError } from '../errors/audit.js';
import { DeadlineError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { systemClock } from '../time/clock.js';
import { type Answer, hasFailed } from '../wire/answer.js';
import type { AnswerSize } from '../wire/recording-codec.js';
import { auditRow } from './audit-row.js';
import { errorKind } from './error-kind.js';
import { guarded } from './guarded-calls.js';
import { countAnswer, hashesOf } from './session-call.js';
import type { SessionKeeper } from './session-keeper.js';

/** The calls that are in force in a transaction, and the row of the audit that tells of them. */
class CallsInForce {
  readonly #session: SessionKeeper;
  readonly #at = Date.now();
  readonly #began = systemClock.now();
  #calls: Call[] = [];
  #marks = new WeakMap<object, number>();

  constructor(session: SessionKeeper) {
    this.#session = session;
  }

  add(call: Call): void {
    this.#calls.push(call);
  }

  clear(): void {
    this.#calls = [];
    this.#marks = new WeakMap();
  }

  marked(mark: object): void {
    this.#marks.set(mark, this.#calls.length);
  }

  undoneTo(mark: object): void {
    this.#calls.length = this.#marks.get(mark) ?? this.#calls.length;
  }

  prepare(): Promise<void> | undefined {
    return this.#session.isStrict ? this.#session.prepareAudit() : undefined;
  }

  get told(): { at: number; duration: number; texts: string[]; hashes: Buffer[] } {
    return {
      at: this.#at,
      duration: systemClock.now() - this.#began,
      texts: this.#calls.map(({ text }) => text),
      hashes: this.#calls.flatMap((call) => hashesOf(this.#session, call)),
    };
  }

  last(): LastStatement | undefined {
    const { agentId, sessionId, auditTable: table, isStrict } = this.#session;
    if (!isStrict || table === undefined || this.#calls.length === 0) return undefined;
    const row = auditRow({ ...this.told, table, agentId, sessionId, outcome: 'committed' });
    const failed = (cause: unknown): AuditError =>
      new AuditError(
        `the transaction was rolled back, because its row in the audit table ${table} could not be written: ${messageOf(cause)}`,
        { cause },
      );
    return {
      query: new BoundQuery('CREATE $row CONTENT $content RETURN VALUE id', { row: row.id, content: contentOf(row) }),
      // A user without the right to create it gets no error, only an empty answer.
      check: (answer) => {
        if ((answer[0]?.result?.length ?? 0) === 0) throw new Error(noRight(table));
      },
      failed,
    };
  }
}

function contentOf<Row extends { readonly id: unknown }>({ id: _, ...content }: Row): Omit<Row, 'id'> {
  return content;
}

function noRight(table: string): string {
  return `the user of the session may not create records in ${table}; give it the role EDITOR or OWNER of the database, or use audit: 'after', whose rows the pool itself writes`;
}

/** A transaction of a session that was counted. */
export class SessionTransaction implements TransactionAdmission {
  readonly #session: SessionKeeper;
  readonly #confirmed: boolean;
  readonly #calls: CallsInForce;
  readonly maxAge: number;
  #ended = false;

  constructor(session: SessionKeeper, confirmed: boolean) {
    this.#session = session;
    this.#confirmed = confirmed;
    this.#calls = new CallsInForce(session);
    this.maxAge = session.usage.maxTransactionAge;
  }

  get judgesValues(): boolean {
    return this.#session.judgesValues;
  }

  tooOld(): Error {
    return new DeadlineError('a transaction of an agent session with the limit maxTransactionAge', this.maxAge);
  }

  admit(call: Call): Admission | Promise<Admission> {
    const session = this.#session;
    session.refuse(call, false);
    session.usage.admitOperation();
    return guarded(session, new TransactionCall(session, call, this.#calls), call, this.#confirmed);
  }

  restarted(): void {
    this.#calls.clear();
  }

  marked(mark: object): void {
    this.#calls.marked(mark);
  }

  undoneTo(mark: object): void {
    this.#calls.undoneTo(mark);
  }

  prepare(): Promise<void> | undefined {
    return this.#calls.prepare();
  }

  last(): LastStatement | undefined {
    return this.#calls.last();
  }

  ended(outcome: TransactionOutcome, error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const { usage, isStrict } = this.#session;
    if (outcome === 'not-begun') {
      usage.giveBackTransaction();
      return;
    }
    usage[outcome]();
    const kind = error === undefined || outcome === 'committed' ? undefined : errorKind(error);
    this.#session.note({
      ...{ kind: 'transaction', ...this.#calls.told, outcome, error: kind, audited: isStrict },
      ...(kind === undefined ? {} : { reason: kind }),
    });
  }
}

/** A call in a transaction of a session. */
class TransactionCall implements Admission {
  readonly #session: SessionKeeper;
  readonly #call: Call;
  readonly #calls: CallsInForce;
  readonly size: AnswerSize | undefined;
  readonly instead = undefined;

  constructor(session: SessionKeeper, call: Call, calls: CallsInForce) {
    this.#session = session;
    this.#call = call;
    this.#calls = calls;
    this.size = session.usage.measuresBytes ? { bytes: 0 } : undefined;
  }

  guard(): undefined {}

  answered(answer: Answer): void {
    this.#calls.add(this.#call);
    countAnswer(this.#session, answer, this.size, 'not-sent');
  }

  failed(error: unknown): void {
    if (outcomeOf(error) === 'not-sent') this.#session.usage.giveBackOperation();
    else this.#calls.add(this.#call);
  }
}

/** The transaction of one call that was counted as a call. It has one only for the row of the audit. */
export class SingleTransaction implements TransactionAdmission {
  readonly maxAge = 0;
  readonly judgesValues = false;
  readonly #calls: CallsInForce;

  constructor(session: SessionKeeper) {
    this.#calls = new CallsInForce(session);
  }

  tooOld(): Error {
    return new DeadlineError('a transaction', 0);
  }

  admit(call: Call): Admission {
    const calls = this.#calls;
    return {
      ...{ size: undefined, instead: undefined },
      guard: () => undefined,
      answered: (answer) => {
        if (!hasFailed(answer)) calls.add(call);
      },
      failed: () => {},
    };
  }

  restarted(): void {
    this.#calls.clear();
  }

  marked(): void {}

  undoneTo(): void {}

  prepare(): Promise<void> | undefined {
    return this.#calls.prepare();
  }

  last(): LastStatement | undefined {
    return this.#calls.last();
  }

  ended(): void {}
}
