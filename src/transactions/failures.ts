import { CallAbortedError, ConnectionLostError, QueryTimeoutError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { TransactionAbortedError, type TransactionLostError } from '../errors/transaction.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import { lost } from './rollback.js';

/**
 * The errors for the transaction and for the call when this error means that the transaction is lost; undefined when it
 * is not lost.
 */
export function lossOf(error: unknown): { ofTransaction: TransactionLostError; ofCall: Error } | undefined {
  if (error instanceof ConnectionLostError) {
    const loss = lost(error);
    return { ofTransaction: loss, ofCall: loss };
  }
  const cutOff = error instanceof QueryTimeoutError || error instanceof CallAbortedError;
  if (!cutOff || error.outcome !== 'unknown') return undefined;
  // The server may have executed the call, but no commit was sent, so nothing was applied.
  const message = `${error.message}; the transaction is lost with its connection, and nothing of it was applied`;
  const Kind = error instanceof QueryTimeoutError ? QueryTimeoutError : CallAbortedError;
  return { ofTransaction: lost(error), ofCall: new Kind(message, { outcome: 'not-sent', cause: error }) };
}

/** The error of a transaction aborted by a failed call. @param notUndone why the call could not be undone alone */
export function abortedBy(error: unknown, text: string, notUndone?: unknown): TransactionAbortedError {
  const statement = shownStatement(text);
  const message = `the transaction is aborted and can only be rolled back, because this failed: ${statement}: ${messageOf(error)}`;
  if (notUndone === undefined) return new TransactionAbortedError(message, { statement, cause: error });
  const more = `${message}; it could not be undone alone: ${messageOf(notUndone)}`;
  return new TransactionAbortedError(more, { statement, cause: causedBy(notUndone, error) });
}

/** The error of a transaction aborted by nested work whose rollback failed. */
export function notUndone(failure: unknown, error: unknown): TransactionAbortedError {
  return new TransactionAbortedError(
    `the transaction is aborted and can only be rolled back, because a part of it that failed could not be undone: ${messageOf(failure)}`,
    { statement: undefined, cause: causedBy(failure, error) },
  );
}

/** Adds a cause to an error that has none. */
function causedBy(error: unknown, cause: unknown): unknown {
  if (error instanceof Error && error.cause === undefined) error.cause = cause;
  return error;
}
