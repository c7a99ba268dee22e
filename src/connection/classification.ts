import { ServerError } from 'surrealdb';

/** The error and what caused it, outermost first. */
function* causes(error: unknown): Generator<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

/**
 * Whether the server refused because of a concurrent transaction and says that trying again may help. Servers before
 * 3.0.5 say so only in the text, of the error or of one of its causes; rocksdb words it differently for definitions.
 */
export function isConflict(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (/This transaction can be retried|Transaction conflict/.test(cause.message)) return true;
    if (cause instanceof ServerError && detailKind(cause.details) === 'TransactionConflict') return true;
  }
  return false;
}

/** Whether the server refused the credentials or the token themselves. */
export function isRefusedAuthentication(error: unknown): boolean {
  for (const cause of causes(error)) {
    if (cause instanceof ServerError && cause.kind === 'NotAllowed') return true;
  }
  return false;
}

function detailKind(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'kind' in details ? details.kind : undefined;
}
