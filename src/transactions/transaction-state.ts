import {
  type TransactionAbortedError,
  TransactionEndedError,
  type TransactionLostError,
} from '../errors/transaction.js';
import { writeStacks } from '../errors/write-stacks.js';
import type { TransactionCounters } from '../telemetry/transaction-counters.js';

/**
 * The state of a transaction. After a failed call it is `aborted`, as in PostgreSQL: it can only be rolled back, wholly
 * or to a savepoint. `draining` waits for the calls begun before the commit; in `committing` the commit has been sent.
 * The states in the last line are final.
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

/** Each state in words, to follow "the transaction". */
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

/** The state of one transaction. It changes only here. */
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

  /** Calls `end()` when the transaction ends. */
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

  /** Why it is aborted or lost; undefined when it is neither. */
  get failure(): TransactionAbortedError | TransactionLostError | undefined {
    return this.#failure;
  }

  /** From now on it can only be rolled back, wholly or to a savepoint. */
  abort(failure: TransactionAbortedError): void {
    writeStacks(failure);
    this.#failure = failure;
    if (this.#word !== 'aborted') this.to('aborted');
  }

  /** It was lost with its connection. Returns the error, to be thrown. */
  lose(failure: TransactionLostError): TransactionLostError {
    this.#failure = failure;
    this.to('lost');
    return failure;
  }

  /** The failed call was undone: the transaction is in its state before the failure again. */
  recover(word: 'active' | 'draining'): void {
    this.#failure = undefined;
    this.to(word);
  }

  /** The error for a call after the end. */
  tooLate(what: string, cause?: unknown): TransactionEndedError {
    return new TransactionEndedError(`${what} came too late: the transaction ${inWords[this.#word]}`, {
      state: this.#word,
      cause,
    });
  }
}
