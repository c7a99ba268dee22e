import type { Uuid } from 'surrealdb';
import { Call, newRecording } from '../calls/call.js';
import type { LeaseChannel } from '../calls/lease-channel.js';
import type { EncodedValue } from '../savepoints/encoded-value.js';
import { answersOf } from '../savepoints/logged-call.js';
import type { RerunTarget } from '../savepoints/rerun.js';
import { askTime, ServerClock } from '../savepoints/server-clock.js';
import { type Mending, mendingOf, type TransactionFaults } from '../surrealql/mended-text.js';
import { systemClock } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import type { Answer } from '../wire/answer.js';

/** What a server transaction needs. */
export interface ServerTransactionParts {
  /** The lease, for steps that must run even after the time of the transaction is up. */
  readonly lease: LeaseChannel;
  /** The lease bounded by the time and signal of the transaction, for its calls. */
  readonly bounded: LeaseChannel;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
  /** Counts the transactions of a pool from 1. */
  readonly number: number;
  /** Faults of the server within transactions. */
  readonly faults: TransactionFaults;
  /** Opens another server transaction like the first. */
  readonly open: () => Promise<Uuid>;
  /** Opens one that is always cancelled, so it needs no commit marker. */
  readonly openWitness: () => Promise<Uuid>;
}

/**
 * The server transaction behind a transaction of the pool. It can be replaced by another one without callers noticing.
 */
export class ServerTransaction {
  readonly #parts: ServerTransactionParts;
  #current: Uuid;

  constructor(parts: ServerTransactionParts, first: Uuid) {
    this.#parts = parts;
    this.#current = first;
  }

  /** A key for its user and database. */
  get place(): string {
    const { database, identity, transport } = this.#parts.lease.connection;
    return JSON.stringify([transport.endpoint, database.namespace, database.database, identity.key]);
  }

  /** Runs a query of the pool outside the transaction and returns the answers. */
  async ask(text: string): Promise<EncodedValue[]> {
    const recording = newRecording();
    await this.#parts.bounded.request(new Call({ text, bindings: {}, recording }));
    return answersOf(recording);
  }

  /** The offset between the server's clock and that of this process. */
  async clock(): Promise<ServerClock> {
    const from = systemClock.now();
    const [answer] = await this.ask(askTime);
    return new ServerClock(answer?.get('result'), { from, until: systemClock.now() });
  }

  /** What is added to queries to work around faults of the server. */
  get mending(): Mending {
    return mendingOf(this.#parts.faults, this.#parts.lease.connection.database);
  }

  send(call: Call): Promise<Answer> {
    return this.#parts.bounded.send(call.with({ transaction: this.#current, inTransaction: this.#parts.number }));
  }

  /** Opens another server transaction like the first, which can be adopted. */
  openAnother(): Promise<Uuid> {
    return this.#parts.open();
  }

  /** Opens one that is always cancelled. */
  openWitness(): Promise<Uuid> {
    return this.#parts.openWitness();
  }

  /** Continues in this server transaction and cancels the one before. */
  adopt(second: Uuid): void {
    const first = this.#current;
    this.#current = second;
    void this.drop(first);
  }

  /** A target for replayed calls, past the layers for the user's calls. */
  target(transaction: Uuid): RerunTarget {
    const { bounded } = this.#parts;
    return {
      mending: this.mending,
      send: (text, bindings, calls, recording) => {
        const call = new Call({ text, bindings, transaction, recording });
        call.timeoutFactor = calls;
        return bounded.request(call);
      },
    };
  }

  /** Commits the present server transaction, within the time of the transaction. */
  async commit(): Promise<void> {
    await this.#parts.bounded.ask((connection) => connection.commit(this.#current));
  }

  /**
   * Cancels the present server transaction, even after the time of the transaction is up.
   * @throws DeadlineError when it takes longer than a rollback may
   */
  async cancel(): Promise<void> {
    await this.#cancelInTime(this.#current);
  }

  /** Cancels a server transaction that is no longer needed. Never rejects, so nothing has to wait for it. */
  async drop(transaction: Uuid): Promise<void> {
    try {
      await this.#cancelInTime(transaction);
    } catch {
      // Without a commit it ends with the connection at the latest.
      this.#parts.lease.discard();
    }
  }

  async #cancelInTime(transaction: Uuid): Promise<void> {
    const { lease, rollbackTimeout } = this.#parts;
    const cancel = (): Promise<void> => lease.ask((connection) => connection.cancel(transaction));
    await withDeadline('rolling back a transaction', rollbackTimeout, [], cancel);
  }
}
