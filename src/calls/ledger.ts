import type { BoundQuery } from 'surrealdb';
import type { Answer } from '../wire/answer.js';
import type { AnswerSize } from '../wire/recording-codec.js';
import type { Call } from './call.js';
import type { QueryChannel } from './query-channel.js';

/**
 * What a caller with limits, guards and a log of its own is asked and told about its calls. The pool asks before
 * anything of a call is sent, and tells how it ended. Only calls of the user pass here: not what the pool repeats,
 * replays or asks for itself.
 */
export interface Ledger {
  /** Whether it looks at the values of calls: then they may not change before they are sent. */
  readonly judgesValues: boolean;
  /**
   * Asks whether a call may be sent, and counts it. A promise only while a hook of the user decides.
   * @param single whether it borrows a connection for itself
   * @throws AgentLimitError, StatementRefusedError, UsageError
   */
  admit(call: Call, single: boolean): Admission | Promise<Admission>;
  /**
   * The same for what is no query but needs a connection, an export or an import.
   * @throws AgentLimitError, StatementRefusedError, UsageError
   */
  admitOther(what: 'export' | 'import'): Admission;
  /** An export runs without a connection, until the returned function is called. */
  exporting(): () => void;
  /**
   * Counts a connection that is borrowed for something else than a query. Returns the function that counts it out.
   * @throws AgentLimitError, UsageError
   */
  admitConnection(): () => void;
  /**
   * Counts a transaction before it begins: once, however often its work is repeated.
   * @throws AgentLimitError, UsageError
   */
  admitTransaction(): TransactionAdmission;
  /** The error for a caller who wants another user or database than those of the ledger. */
  staysWhereItIs(what: string): Error;
}

/** A call that was counted. Exactly one of `answered()` and `failed()` is called. */
export interface Admission {
  /** Filled with the size of the answer; undefined when it is not needed. Such a call shares no message with others. */
  readonly size: AnswerSize | undefined;
  /** Sends the call another way than as it stands, on the channel of its lease; undefined for most. */
  readonly instead: ((call: Call, channel: QueryChannel) => Promise<Answer>) | undefined;
  /**
   * Asks about one part of an import.
   * @throws StatementRefusedError
   */
  guard(part: Call): Promise<void> | undefined;
  /**
   * The whole answer is there.
   * @throws AgentLimitError when it is too large: then the caller does not get it
   */
  answered(answer: Answer): void;
  /** It failed. One that never ran is given back. */
  failed(error: unknown): void;
}

/** A transaction that was counted. */
export interface TransactionAdmission {
  /** See {@link Ledger.judgesValues}. */
  readonly judgesValues: boolean;
  /** How long it may be open, in milliseconds; 0 for ever. */
  readonly maxAge: number;
  /** The error when it was open for too long. */
  tooOld(): Error;
  /** Asks about a call in it, see {@link Ledger.admit}. */
  admit(call: Call): Admission | Promise<Admission>;
  /** Its work starts again: the calls before were undone. */
  restarted(): void;
  /** It can be rolled back to this point. */
  marked(mark: object): void;
  /** The calls since that point were undone. */
  undoneTo(mark: object): void;
  /** Called before it begins. A promise while what its last statement needs is made; undefined when nothing is needed. */
  prepare(): Promise<void> | undefined;
  /** The statement to send just before the commit, with what to do with its answer; undefined when there is none. */
  last(): LastStatement | undefined;
  /**
   * It has ended. Only the first call counts.
   * @param outcome `unknown`: the answer to the commit was lost; `not-begun`: nothing of it was sent
   */
  ended(outcome: TransactionOutcome, error: unknown): void;
}

export type TransactionOutcome = 'committed' | 'aborted' | 'unknown' | 'not-begun';

/** The last statement of a transaction. Its failure undoes the whole transaction. */
export interface LastStatement {
  readonly query: BoundQuery;
  /** Called with its answer. @throws when the answer shows that it did nothing */
  check(answer: Answer): void;
  /** The error for the caller of the commit. */
  failed(cause: unknown): Error;
}

/** Sends a call that a ledger has to admit first. */
export async function admitted(
  ledger: Ledger,
  call: Call,
  single: boolean,
  send: (call: Call, admission: Admission) => Promise<Answer>,
): Promise<Answer> {
  const asking = ledger.admit(call, single);
  const admission = asking instanceof Promise ? await asking : asking;
  const { size } = admission;
  let answer: Answer;
  try {
    answer = await send(size === undefined ? call : call.with({ size }), admission);
  } catch (error) {
    admission.failed(error);
    throw error;
  }
  admission.answered(answer);
  return answer;
}

/** Tells an admission how other work than a query ended. */
export async function settled<T>(admission: Admission | undefined, work: Promise<T>): Promise<T> {
  if (admission === undefined) return await work;
  let result: T;
  try {
    result = await work;
  } catch (error) {
    admission.failed(error);
    throw error;
  }
  admission.answered([]);
  return result;
}
