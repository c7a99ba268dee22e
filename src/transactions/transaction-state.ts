import {
  type TransactionAbortedError,
  TransactionEndedError,
  type TransactionLostError,
} from '../errors/transaction.js';
import type { TransactionCounters } from '../telemetry/transaction-counters.js';

/**
 * Where a transaction stands. After a failed call it is `aborted`, as in PostgreSQL: it can only be rolled back, or back
 * to a savepoint. `draining` waits for the calls that were begun before the commit; with `committing` the commit is sent.
 * The words of the last line are final.
 *
 *                a call failed
 *     active ◀──────────────────▶ aborted        (back again: by a rollback to a savepoint)
 *       ├──▶ draining ◀────────────▶│
 *       │       ├──▶ committing     │
 *       └───────┴────────┼──────▶ rollingBack
 *                        ▼               ▼
 *     committed conflicted unknown  rolledBack lost abandoned
 */
export type TransactionStatus =
  | 'active'
  | 'aborted'
  | 'draining'
  | 'committing'
  | 'rollingBack'
  | 'committed'
  | 'rolledBack'
  | 'conflicted'
  | 'lost'
  | 'unknown'
  | 'abandoned';

const next: Readonly<Record<TransactionStatus, readonly TransactionStatus[]>> = {
  active: ['aborted', 'draining', 'rollingBack', 'lost', 'abandoned'],
  aborted: ['active', 'draining', 'rollingBack', 'lost', 'abandoned'],
  draining: ['aborted', 'committing', 'rollingBack', 'lost', 'abandoned'],
  committing: ['rollingBack', 'committed', 'conflicted', 'lost', 'unknown', 'abandoned'],
  rollingBack: ['rolledBack', 'lost', 'abandoned'],
  committed: [],
  rolledBack: [],
  conflicted: [],
  lost: [],
  unknown: [],
  abandoned: [],
};

/** What each word says in a sentence that begins with "the transaction". */
const inWords: Readonly<Record<TransactionStatus, string>> = {
  active: 'is open',
  aborted: 'is aborted: roll it back',
  draining: 'is being committed: it takes no more calls',
  committing: 'is being committed: it takes no more calls',
  rollingBack: 'is being rolled back: it takes no more calls',
  committed: 'was committed',
  rolledBack: 'was rolled back',
  conflicted: 'was refused at its commit, because of a concurrent one',
  lost: 'was lost with its connection; nothing of it was applied',
  unknown: 'ended without an answer to its commit; it may have been committed',
  abandoned: 'was cancelled, because it was open when its connection was released',
};

/** The state of one transaction, which changes here and nowhere else. */
export class TransactionState {
  #word: TransactionStatus = 'active';
  #wasAborted = false;
  #failure: TransactionAbortedError | TransactionLostError | undefined;
  readonly #counters: TransactionCounters;
  readonly #atEnd: { end(): void }[] = [];

  constructor(counters: TransactionCounters) {
    this.#counters = counters;
    counters.count('begun');
  }

  /** Ends something with the transaction. */
  atEnd(what: { end(): void }): void {
    this.#atEnd.push(what);
  }

  get word(): TransactionStatus {
    return this.#word;
  }

  get ended(): boolean {
    return next[this.#word].length === 0;
  }

  to(word: TransactionStatus): void {
    if (!next[this.#word].includes(word)) throw new Error(`a transaction that ${inWords[this.#word]} became ${word}`);
    this.#word = word;
    if (word === 'aborted' && !this.#wasAborted) {
      this.#wasAborted = true;
      this.#counters.count('aborted');
    }
    if (word === 'conflicted') this.#counters.count('conflicts');
    else if (this.ended) this.#counters.count(word as 'committed' | 'rolledBack' | 'lost' | 'unknown' | 'abandoned');
    if (this.ended) for (const what of this.#atEnd.splice(0)) what.end();
  }

  /** Why it is aborted, or lost; undefined while it is neither. */
  get failure(): TransactionAbortedError | TransactionLostError | undefined {
    return this.#failure;
  }

  /** From now on it can only be rolled back, or back to a savepoint. */
  abort(failure: TransactionAbortedError): void {
    this.#failure = failure;
    if (this.#word !== 'aborted') this.to('aborted');
  }

  /** It is gone with its connection. Gives the error back, to be thrown. */
  lose(failure: TransactionLostError): TransactionLostError {
    this.#failure = failure;
    this.to('lost');
    return failure;
  }

  /** It is what it was before a call failed: that call was undone. */
  recover(word: 'active' | 'draining'): void {
    this.#failure = undefined;
    this.to(word);
  }

  /** The error for what comes too late. */
  tooLate(what: string, cause?: unknown): TransactionEndedError {
    return new TransactionEndedError(`${what} came too late: the transaction ${inWords[this.#word]}`, {
      state: this.#word,
      cause,
    });
  }
}
