import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { TransactionAbortedError, TransactionEndedError } from '../errors/transaction.js';
import type { TransactionChannel } from './transaction-channel.js';
import type { TransactionStatus } from './transaction-state.js';

/**
 * Ends a transaction whose work has failed, or was given up, and gives what the caller is told. Work may commit by itself:
 * then what became of that is the truth.
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
 * Whether an error says something else of the transaction than what became of it. The work may throw that of another call,
 * which says what became of that one: that it was refused, for example, when this transaction was committed before.
 */
function denies(error: unknown, word: TransactionStatus): boolean {
  const told = outcomeOf(error);
  if (word === 'committed') return told === 'refused' || told === 'not-sent';
  return word === 'unknown' ? told !== 'unknown' : told === 'applied';
}

/** What became of the transaction, with what its work threw as the cause. */
async function truth(channel: TransactionChannel, error: unknown): Promise<unknown> {
  const { state } = channel;
  // It is known why its outcome is not.
  if (state.word === 'unknown') return await channel.commit().catch((failure: unknown) => failure);
  if (state.word === 'committed') {
    const message = `the work failed when its transaction was committed already: ${messageOf(error)}`;
    return new TransactionEndedError(message, { state: state.word, cause: error });
  }
  const message = `the transaction was rolled back, because its work failed: ${messageOf(error)}`;
  return new TransactionAbortedError(message, { statement: undefined, cause: error });
}
