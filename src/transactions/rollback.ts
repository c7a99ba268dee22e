import type { LeaseChannel } from '../calls/lease-channel.js';
import { messageOf } from '../errors/error-message.js';
import { TransactionLostError } from '../errors/transaction.js';
import type { ServerTransaction } from './server-transaction.js';
import type { TransactionState } from './transaction-state.js';

/** Rolls a transaction back, once. */
export class Rollback {
  readonly #server: ServerTransaction;
  readonly #state: TransactionState;
  readonly #lease: LeaseChannel;
  readonly #onFailed: (error: unknown) => void;
  #cancelling: Promise<void> | undefined;

  /** @param onFailed called when the transaction could not be cancelled */
  constructor(
    server: ServerTransaction,
    state: TransactionState,
    lease: LeaseChannel,
    onFailed: (error: unknown) => void,
  ) {
    this.#server = server;
    this.#state = state;
    this.#lease = lease;
    this.#onFailed = onFailed;
  }

  /** Cancels the transaction on the server. Never rejects: nothing of it is applied, whatever happens. */
  cancel(): Promise<void> {
    this.#cancelling ??= this.#cancel();
    return this.#cancelling;
  }

  async #cancel(): Promise<void> {
    try {
      await this.#server.cancel();
      this.#state.to('rolledBack');
    } catch (error) {
      // Without a commit it ends with the connection at the latest.
      this.#lease.discard();
      this.#state.lose(lost(error));
      this.#onFailed(error);
    }
  }
}

/** The error of a transaction that was lost with its connection. */
export function lost(cause: unknown): TransactionLostError {
  return new TransactionLostError(
    `the transaction was lost with its connection (${messageOf(cause)}); nothing of it was applied`,
    { cause },
  );
}
