import { LeaseReleasedError } from '../errors/call.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import type { Connection } from '../session/connection.js';
import type { TransactionChannel } from './transaction-channel.js';
import type { TransactionState } from './transaction-state.js';

/**
 * Tells an open transaction that its connection or lease has ended. The connection references this object, which must
 * not reference the lease: the pool takes back a lease that no code references.
 */
export class ConnectionTie {
  readonly #connection: Connection;
  readonly #events: Emitter<PoolEvents>;
  readonly #state: TransactionState;
  readonly #channel: WeakRef<TransactionChannel>;

  constructor(channel: TransactionChannel, connection: Connection, events: Emitter<PoolEvents>) {
    this.#connection = connection;
    this.#events = events;
    this.#state = channel.state;
    this.#channel = new WeakRef(channel);
    connection.dependents.add(this.#over);
    channel.state.atEnd(this);
  }

  /** The transaction has ended first. */
  end(): void {
    this.#connection.dependents.delete(this.#over);
  }

  readonly #over = (error: Error): void => {
    const channel = this.#channel.deref();
    if (channel !== undefined) channel.lose(error);
    else this.#state.to('abandoned');
    if (!(error instanceof LeaseReleasedError) || this.#state.word !== 'abandoned') return;
    const { id } = this.#connection;
    if (this.#events.has('transactionAbandoned')) this.#events.emit('transactionAbandoned', { connection: id });
  };
}
