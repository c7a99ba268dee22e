import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { TransactionAbortedError, TransactionEndedError } from '../errors/transaction.js';
import type { TransactionChannel } from './transaction-channel.js';
import type { TransactionStatus } from './transaction-state.js';

/**
 * Ends a transaction whose work failed or was given up, and returns the error for the caller. If the work had committed
 * itself, the error tells the outcome of that commit.
 */
export async function afterFailure(
  channel: TransactionChannel,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { state } = channel;
  const givenUp = signal?.aborted === true && error === signal.reason;
  if (state.word === 'draining' || state.word === 'committing') {
    try {
      await channel.commit();
    } catch (failure) {
      return givenUp ? failure : error;
    }
  } else if (state.word === 'active' || state.word === 'aborted') {
    await channel.rollback();
  }
  if (givenUp && state.word === 'committed') return state.tooLate('the end of the work', error);
  return denies(error, state.word) ? truth(channel, error) : error;
}

/**
 * Whether an error contradicts the outcome of the transaction. The work may throw the error of another call, which
 * tells the outcome of that call only: for example "refused", although this transaction was committed.
 */
function denies(error: unknown, word: TransactionStatus): boolean {
  const told = outcomeOf(error);
  if (word === 'committed') return told === 'refused' || told === 'not-sent';
  return word === 'unknown' ? told !== 'unknown' : told === 'applied';
}

/** The outcome of the transaction as an error, with the error of the work as its cause. */
async function truth(channel: TransactionChannel, error: unknown): Promise<unknown> {
  const { state } = channel;
  // Reuse the commit's error: it says why the outcome is unknown.
  if (state.word === 'unknown') return await channel.commit().catch((failure: unknown) => failure);
  if (state.word === 'committed') {
    const message = `the work failed when its transaction was committed already: ${messageOf(error)}`;
    return new TransactionEndedError(message, { state: state.word, cause: error });
  }
  const message = `the transaction was rolled back, because its work failed: ${messageOf(error)}`;
  return new TransactionAbortedError(message, { statement: undefined, cause: error });
}
