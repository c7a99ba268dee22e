import { asItIs, ClosedOptions, type OptionReaders } from '../config/closed-options.js';
import { type Duration, parseDuration } from '../config/duration.js';
import { asDuration, asFlag, asSignal } from '../config/option-readers.js';
import { UsageError } from '../errors/configuration.js';

/** What a transaction may be asked for. */
export interface TransactionOptions {
  /**
   * How long it may take; past it its calls fail, and it is rolled back. With `withTransaction()`: all attempts together.
   * With `verifyCommit`, finding out about a lost commit goes on for 500 ms longer. Default 0: no limit.
   */
  timeout?: Duration | undefined;
  /** Aborts it, with all its calls. A call that was cut off closes the connection. */
  signal?: AbortSignal | undefined;
  /**
   * Whether the outcome is found out when the answer to the commit is lost, at the price of one small record in each
   * transaction. Default false: then such a commit fails with `CommitOutcomeUnknownError`.
   */
  verifyCommit?: boolean | undefined;
  /**
   * Whether a record user may have a transaction on SurrealDB 3.0.0 to 3.0.5, which forgets the user in it: `$auth` is
   * NONE there, and permissions that look at it are wrong. What it has written it reads as that server shows it, see the
   * process warning `SURREAL_POOL_OWN_WRITES`. Default false: refused.
   */
  allowWithoutUser?: boolean | undefined;
  /**
   * Whether it can be rolled back to savepoints. Its calls and their answers are kept for that, up to 16 MiB. Default true;
   * false keeps nothing, and then `savepoint()` and nested transactions are refused.
   */
  savepoints?: boolean | undefined;
  /**
   * What a failed call does. Default `abort`: the transaction can only be rolled back, or back to a savepoint. `savepoint`:
   * the call alone is undone, as by a savepoint just before it, and the transaction goes on; it is aborted only when the
   * call cannot be undone alone.
   */
  onStatementError?: 'abort' | 'savepoint' | undefined;
}

/** How often, and after which pauses, the work of a `withTransaction()` is tried again after a conflict. */
export interface TransactionRetryOptions {
  /** How often it is tried in all. Default 10; at least 1, and `Infinity` for as long as the `timeout` lasts. */
  maxAttempts?: number | undefined;
  /** The first bound of the pause, which is drawn between 0 and the bound. Default 5 ms. */
  initialBackoff?: Duration | undefined;
  /** The largest bound of the pause. Default 500 ms. */
  maxBackoff?: Duration | undefined;
  /** By what the bound grows after each attempt. Default 2; at least 1. */
  multiplier?: number | undefined;
}

/** What a `withTransaction()` may be asked for. */
export interface WithTransactionOptions extends TransactionOptions {
  /** What is done about a conflict. Default: up to 10 attempts; false: none but the first. */
  retry?: TransactionRetryOptions | false | undefined;
}

const retryOptions = new ClosedOptions<TransactionRetryOptions>(
  'The options of withTransaction()',
  { maxAttempts: asItIs, initialBackoff: asDuration, maxBackoff: asDuration, multiplier: asItIs },
  undefined,
  'retry.',
);

/** What these say is checked as a whole: see {@link readTransactionOptions} and {@link readRetryOptions}. */
const beginReaders: OptionReaders<TransactionOptions> = {
  timeout: asDuration,
  signal: asSignal,
  verifyCommit: asFlag,
  allowWithoutUser: asFlag,
  savepoints: asFlag,
  onStatementError: asItIs,
};

export const transactionReaders: OptionReaders<WithTransactionOptions> = {
  ...beginReaders,
  retry: (given) => (given === false ? false : retryOptions.read(given)),
};

export const transactionOptions: ClosedOptions<TransactionOptions> = new ClosedOptions<TransactionOptions>(
  'The options of beginTransaction()',
  beginReaders,
);

export const withTransactionOptions: ClosedOptions<WithTransactionOptions> = new ClosedOptions<WithTransactionOptions>(
  'The options of withTransaction()',
  transactionReaders,
);

/** {@link TransactionOptions} with everything filled in; 0 is no timeout. */
export interface TransactionSettings {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly verifyCommit: boolean;
  readonly allowWithoutUser: boolean;
  readonly savepoints: boolean;
  readonly onStatementError: 'abort' | 'savepoint';
}

/** {@link TransactionRetryOptions} with everything filled in; durations are milliseconds. */
export interface RetrySettings {
  readonly maxAttempts: number;
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly multiplier: number;
}

/** @throws ConfigurationError for a timeout that is none, UsageError for an `onStatementError` that is none */
export function readTransactionOptions(options: TransactionOptions): TransactionSettings {
  const { timeout, signal, verifyCommit, allowWithoutUser, savepoints = true, onStatementError = 'abort' } = options;
  if (onStatementError !== 'abort' && onStatementError !== 'savepoint') {
    throw new UsageError(`onStatementError is ${String(onStatementError)}; allowed: abort, savepoint`);
  }
  if (onStatementError === 'savepoint' && !savepoints) {
    throw new UsageError('onStatementError: savepoint needs savepoints, which savepoints: false turns off');
  }
  return {
    timeout: timeout === undefined ? 0 : parseDuration(timeout),
    signal,
    verifyCommit: verifyCommit ?? false,
    allowWithoutUser: allowWithoutUser ?? false,
    savepoints,
    onStatementError,
  };
}

/** @throws ConfigurationError for a duration that is none, UsageError for a number out of its range */
export function readRetryOptions(retry: TransactionRetryOptions | false | undefined): RetrySettings {
  if (retry === false) return { maxAttempts: 1, initialBackoff: 0, maxBackoff: 0, multiplier: 1 };
  const { maxAttempts = 10, initialBackoff = 5, maxBackoff = 500, multiplier = 2 } = retry ?? {};
  const isCount = maxAttempts === Number.POSITIVE_INFINITY || Number.isInteger(maxAttempts);
  if (!isCount || maxAttempts < 1) {
    throw new UsageError(`retry.maxAttempts is ${maxAttempts}; allowed: a whole number from 1 on, or Infinity`);
  }
  if (!(multiplier >= 1 && multiplier < Number.POSITIVE_INFINITY)) {
    throw new UsageError(`retry.multiplier is ${multiplier}; allowed: a number from 1 on`);
  }
  return {
    maxAttempts,
    initialBackoff: parseDuration(initialBackoff),
    maxBackoff: parseDuration(maxBackoff),
    multiplier,
  };
}
