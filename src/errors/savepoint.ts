import { PoolError } from './pool-error.js';

/**
 * A savepoint was refused, because the transaction has made a call that cannot be replayed; or a rollback to a savepoint,
 * because the answer of a call cannot be verified. The transaction goes on as it was. Give the call what it lets the
 * server choose, or make it outside of the transaction.
 */
export class SavepointUnsupportedError extends PoolError {
  static override readonly name: string = 'SavepointUnsupportedError';
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_UNSUPPORTED';
  /** What in the call is the reason: `rand()`, `CREATE person`, or its text. */
  readonly statement: string;
  readonly reason: string;
  /** Which was refused: to make a savepoint, or to roll back to one. */
  readonly refused: 'savepoint' | 'rollback';

  constructor(details: { statement: string; reason: string; refused: 'savepoint' | 'rollback' }) {
    const statement = shortened(details.statement);
    super(
      details.refused === 'savepoint'
        ? `no savepoint after "${statement}": ${details.reason}. Make it before that call, or give the call what it lets the server choose (ids, times, random values)`
        : `not rolled back to the savepoint, because of "${statement}": ${details.reason}. So what your program has seen cannot be verified, and it may go on believing it: make that call outside of this transaction, have it answer nothing (RETURN NONE), or give it what it lets the server choose as a parameter`,
    );
    this.statement = details.statement;
    this.reason = details.reason;
    this.refused = details.refused;
  }
}

/**
 * Rolling back to a savepoint failed: a call that the program has seen the answer of gave something else when it was made
 * again. The transaction is as it was. When others have changed what the call reads (`retryable`), roll all of it back and
 * run it again; `withTransaction()` does that by itself. When the call answers something else each time, such as a random
 * default of a field, another attempt cannot help. When the work of a nested transaction was to be undone, `cause` is what
 * it had thrown.
 */
export class SavepointDivergedError extends PoolError {
  static override readonly name: string = 'SavepointDivergedError';
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_DIVERGED';
  /** Whether others have changed what the call reads, so that doing all of it again may help. */
  override readonly retryable: boolean;
  /** The text of the call. */
  readonly statement: string;
  /** Where in its answer the difference is, such as `[0].name`; empty for the answer as a whole. */
  readonly path: string;
  /** What stood there the first time, and what when the call was made again: a value, or the error of the server. */
  readonly expected: unknown;
  readonly found: unknown;

  constructor(details: { statement: string; path: string; expected: unknown; found: unknown; lasting: boolean }) {
    const where = details.path === '' ? '' : ` (at ${details.path})`;
    super(
      details.lasting
        ? `not rolled back to the savepoint: a call answers something else each time it is made${where}, so what you have seen of it could not be kept: ${shortened(details.statement)}. Another attempt cannot help: give it what the database chooses (a random default, a time), or have it answer nothing (RETURN NONE) and do not read it`
        : `not rolled back to the savepoint: others have changed what a call of the transaction reads${where}: ${shortened(details.statement)}. Roll the transaction back and run it again`,
    );
    this.retryable = !details.lasting;
    this.statement = details.statement;
    this.path = details.path;
    this.expected = details.expected;
    this.found = details.found;
  }
}

/** A text as far as a message shows it. */
function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** A savepoint or a rollback to one was refused: there is too much to keep or to make again. The transaction goes on. */
export class SavepointLimitError extends PoolError {
  static override readonly name: string = 'SavepointLimitError';
  static override readonly code: string = 'ERR_POOL_SAVEPOINT_LIMIT';
  /** What would be too large: the calls and answers in bytes, or the number of calls that are made again. */
  readonly limit: 'log' | 'replay';
  /** The most there may be. */
  readonly most: number;

  constructor(limit: 'log' | 'replay', most: number) {
    const what =
      limit === 'log'
        ? `the calls of this transaction and their replies take more than ${most} bytes`
        : `this transaction would have made more than ${most} calls again`;
    super(`${what}: no savepoint can be rolled back to. Undo fewer parts, and read and write less in one transaction`);
    this.limit = limit;
    this.most = most;
  }
}
