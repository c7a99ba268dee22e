import { type CallOutcome, PoolError } from './pool-error.js';

/** A connection could not be opened. `fatal` causes (refused credentials) are not tried again by themselves. */
export class ConnectError extends PoolError {
  static override readonly name: string = 'ConnectError';
  static override readonly code: string = 'ERR_POOL_CONNECT';
  override readonly retryable: boolean;
  readonly fatal: boolean;
  /** The address, without user info. */
  readonly endpoint: string;
  /** How long the server asks to wait before the next attempt, in milliseconds; undefined when it does not say. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    details: { endpoint: string; fatal: boolean; retryAfter?: number | undefined; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.endpoint = details.endpoint;
    this.retryAfter = details.retryAfter;
    this.fatal = details.fatal;
    this.retryable = !details.fatal;
  }
}

/** One step of the pool's own work (open, probe, reset, close) did not end within its deadline. */
export class DeadlineError extends PoolError {
  static override readonly name: string = 'DeadlineError';
  static override readonly code: string = 'ERR_POOL_DEADLINE';
  override readonly retryable: boolean = true;
  override readonly outcome: CallOutcome = 'unknown';
  readonly step: string;
  /** The deadline that passed, in milliseconds. */
  readonly timeout: number;

  constructor(step: string, timeout: number) {
    super(`${step} did not finish within ${timeout} ms`);
    this.step = step;
    this.timeout = timeout;
  }
}
