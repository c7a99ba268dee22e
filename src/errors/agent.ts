import { PoolError } from './pool-error.js';

/**
 * A guard of an agent's session refused a statement; nothing was sent. The message says what to do. When a guard of the
 * caller's own failed, `cause` is its error.
 */
export class StatementRefusedError extends PoolError {
  static override readonly name: string = 'StatementRefusedError';
  static override readonly code: string = 'ERR_POOL_STATEMENT_REFUSED';
  /** The statement, shortened and without the texts in it. */
  readonly statement: string;
  /** Which guard refused it: `access: 'read'`, `confirmDestructive`, or the function `guard`. */
  readonly rule: 'access' | 'destructive' | 'guard';

  constructor(
    message: string,
    options: {
      readonly statement: string;
      readonly rule: 'access' | 'destructive' | 'guard';
      readonly cause?: unknown;
    },
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.statement = options.statement;
    this.rule = options.rule;
  }
}
