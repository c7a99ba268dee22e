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

/** A call that can never work the way it was made; the message says what to do instead. */
export class UsageError extends PoolError {
  static override readonly name: string = 'UsageError';
  static override readonly code: string = 'ERR_POOL_USAGE';
  override readonly outcome: CallOutcome;

  constructor(message: string, options?: ErrorOptions & { readonly outcome?: CallOutcome }) {
    super(message, options);
    this.outcome = options?.outcome ?? 'not-sent';
  }
}
