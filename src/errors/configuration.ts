import { type CallOutcome, PoolError } from './pool-error.js';

/** One thing that is wrong with a configuration. */
export interface ConfigurationIssue {
  /** Where, in the caller's words: `poolConfig.maxConnections`. */
  readonly path: string;
  /** What was given, without secrets. */
  readonly given: string;
  /** What is allowed there. */
  readonly allowed: string;
}

/** The configuration cannot be used. The message lists every problem with its path and what is allowed. */
export class ConfigurationError extends PoolError {
  static override readonly name: string = 'ConfigurationError';
  static override readonly code: string = 'ERR_POOL_CONFIGURATION';
  readonly issues: readonly ConfigurationIssue[];

  constructor(message: string, options: { issues: readonly ConfigurationIssue[]; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.issues = options.issues;
  }
}

/**
 * A call that can never work the way it was made; the message says what to do instead. Its `code` is `ERR_POOL_USAGE`, or
 * `ERR_POOL_SAVEPOINT_NOT_FOUND` when a savepoint is asked for that is not there: it was never made, was released, or came after
 * one that was rolled back to.
 */
export class UsageError extends PoolError {
  static override readonly name: string = 'UsageError';
  static override readonly code: string = 'ERR_POOL_USAGE';
  override readonly code: string;
  override readonly outcome: CallOutcome;

  constructor(
    message: string,
    options?: ErrorOptions & { readonly outcome?: CallOutcome; readonly code?: 'ERR_POOL_SAVEPOINT_NOT_FOUND' },
  ) {
    super(message, options);
    this.code = options?.code ?? UsageError.code;
    this.outcome = options?.outcome ?? 'not-sent';
  }
}
