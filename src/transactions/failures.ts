import { CallAbortedError, ConnectionLostError, QueryTimeoutError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { TransactionAbortedError, type TransactionLostError } from '../errors/transaction.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import { lost } from './rollback.js';

/** What an error means with which a transaction is lost, for the transaction and for the call; undefined when it is not. */
export function lossOf(error: unknown): { ofTransaction: TransactionLostError; ofCall: Error } | undefined {
  if (error instanceof ConnectionLostError) {
    const loss = lost(error);
    return { ofTransaction: loss, ofCall: loss };
  }
  const cutOff = error instanceof QueryTimeoutError || error instanceof CallAbortedError;
  if (!cutOff || error.outcome !== 'unknown') return undefined;
  // Whether the server has executed the call is unknown, but no commit was sent: it is not applied.
  const message = `${error.message}; the transaction is lost with its connection, and nothing of it was applied`;
  const Kind = error instanceof QueryTimeoutError ? QueryTimeoutError : CallAbortedError;
  return { ofTransaction: lost(error), ofCall: new Kind(message, { outcome: 'not-sent', cause: error }) };
}

/** Why a transaction is aborted by a call that failed. @param notUndone why the call could not be undone alone */
export function abortedBy(error: unknown, text: string, notUndone?: unknown): TransactionAbortedError {
  const statement = shownStatement(text);
  const message = `the transaction is aborted and can only be rolled back, because this failed: ${statement}: ${messageOf(error)}`;
  if (notUndone === undefined) return new TransactionAbortedError(message, { statement, cause: error });
  const more = `${message}; it could not be undone alone: ${messageOf(notUndone)}`;
  return new TransactionAbortedError(more, { statement, cause: causedBy(notUndone, error) });
}

/** Why a transaction is aborted by a piece of work whose rollback failed. */
export function notUndone(failure: unknown, error: unknown): TransactionAbortedError {
  return new TransactionAbortedError(
    `the transaction is aborted and can only be rolled back, because a part of it that failed could not be undone: ${messageOf(failure)}`,
    { statement: undefined, cause: causedBy(failure, error) },
  );
}

/** An error that says what it followed from, when it does not say another cause already. */
function causedBy(error: unknown, cause: unknown): unknown {
  if (error instanceof Error && error.cause === undefined) error.cause = cause;
  return error;
}
