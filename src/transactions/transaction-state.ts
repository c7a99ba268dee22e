import { TransactionEndedError } from '../errors.js';
import type { TransactionCounters } from '../telemetry/transaction-counters.js';

/**
 * Where a transaction stands. After a failed call it is `aborted`, as in PostgreSQL: it can only be rolled back, or back
 * to a savepoint. The words of the last line are final.
 *
 *               a call failed
 *     active ──────────────────▶ aborted        (back again: for a rollback to a savepoint)
 *       │  └──▶ committing ────────▶│
 *       │           │               ▼
 *       └───────────┼───────▶ rollingBack
 *                   ▼               ▼
 *     committed conflicted unknown  rolledBack lost abandoned
 */
export type TransactionWord =
  | 'active'
  | 'aborted'
  | 'committing'
  | 'rollingBack'
  | 'committed'
  | 'rolledBack'
  | 'conflicted'
  | 'lost'
  | 'unknown'
  | 'abandoned';

const next: Readonly<Record<TransactionWord, readonly TransactionWord[]>> = {
  active: ['aborted', 'committing', 'rollingBack', 'lost', 'abandoned'],
  aborted: ['active', 'committing', 'rollingBack', 'lost', 'abandoned'],
  committing: ['aborted', 'rollingBack', 'committed', 'conflicted', 'lost', 'unknown', 'abandoned'],
  rollingBack: ['rolledBack', 'lost', 'abandoned'],
  committed: [],
  rolledBack: [],
  conflicted: [],
  lost: [],
  unknown: [],
  abandoned: [],
};

/** What each word says in a sentence that begins with "the transaction". */
const inWords: Readonly<Record<TransactionWord, string>> = {
  active: 'is open',
  aborted: 'is aborted: roll it back',
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
  #word: TransactionWord = 'active';
  #wasAborted = false;
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

  get word(): TransactionWord {
    return this.#word;
  }

  get ended(): boolean {
    return next[this.#word].length === 0;
  }

  to(word: TransactionWord): void {
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

  /** The error for what comes too late. */
  tooLate(what: string, cause?: unknown): TransactionEndedError {
    return new TransactionEndedError(`${what} came too late: the transaction ${inWords[this.#word]}`, {
      state: this.#word,
      cause,
    });
  }
}
