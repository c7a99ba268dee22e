import { CallError } from './call.js';
import { type CallOutcome, PoolError } from './pool-error.js';

/**
 * The server gave no export, or not all of it: what was received is not a whole database. An export changes nothing, so it may
 * be made again, unless the server refused it.
 */
export class ExportError extends CallError {
  static override readonly name: string = 'ExportError';
  static override readonly code: string = 'ERR_POOL_EXPORT';
  override readonly retryable: boolean;

  constructor(message: string, details: { outcome: CallOutcome; cause?: unknown }) {
    super(message, details);
    this.retryable = details.outcome !== 'refused';
  }
}

/** A statement of an import that was not executed. */
export interface ImportFailure {
  /** Its number in the import, from 1. */
  readonly statement: number;
  /** How it begins, without its data. */
  readonly text: string;
  /** What the server refused it with, or what became of the call that it was in. */
  readonly error: Error;
}

/**
 * An import was not executed as a whole. Its statements are sent in their order, some in each message: those of the message
 * with a failure were all tried, and none behind it was sent. Nothing is undone, and nothing is sent twice.
 */
export class ImportError extends PoolError {
  static override readonly name: string = 'ImportError';
  static override readonly code: string = 'ERR_POOL_IMPORT';
  override readonly outcome: CallOutcome;
  /** How many statements were certainly executed. */
  readonly applied: number;
  /** Those that were not, or may not have been; the first is the `cause`. */
  readonly failures: readonly ImportFailure[];

  constructor(message: string, details: { outcome: CallOutcome; applied: number; failures: readonly ImportFailure[] }) {
    super(message, { cause: details.failures[0]?.error });
    this.outcome = details.outcome;
    this.applied = details.applied;
    this.failures = details.failures;
  }
}
