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

/** What a transaction of the server is reached by. */
export interface ServerTransactionParts {
  /** The lease, for what has to be done even when the time of the transaction is up. */
  readonly lease: LeaseChannel;
  /** The lease within the time and the signal of the transaction: for its calls. */
  readonly bounded: LeaseChannel;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
  /** Counts the transactions of a pool from 1. */
  readonly number: number;
  /** What the server gets wrong within transactions. */
  readonly faults: TransactionFaults;
  /** Opens another one like the first. */
  readonly open: () => Promise<Uuid>;
  /** Opens one that is thrown away in any case: it needs no marker of a commit. */
  readonly openWitness: () => Promise<Uuid>;
}

/** The transaction of the server behind one of the pool. Another one can take its place, unseen from outside. */
export class ServerTransaction {
  readonly #parts: ServerTransactionParts;
  #current: Uuid;

  constructor(parts: ServerTransactionParts, first: Uuid) {
    this.#parts = parts;
    this.#current = first;
  }

  /** Whose it is and in which database: the same text for the same. */
  get place(): string {
    const { database, identity, transport } = this.#parts.lease.connection;
    return JSON.stringify([transport.endpoint, database.namespace, database.database, identity.key]);
  }

  /** Asks something outside of the transaction, for the pool itself, and gives the answers. */
  async ask(text: string): Promise<EncodedValue[]> {
    const recording = newRecording();
    await this.#parts.bounded.request(new Call({ text, bindings: {}, recording }));
    return answersOf(recording);
  }

  /** The server's clock against that of this process. */
  async clock(): Promise<ServerClock> {
    const from = systemClock.now();
    const [answer] = await this.ask(askTime);
    return new ServerClock(answer?.get('result'), { from, until: systemClock.now() });
  }

  /** What is added to texts, for what the server gets wrong. */
  get mending(): Mending {
    return mendingOf(this.#parts.faults, this.#parts.lease.connection.database);
  }

  send(call: Call): Promise<Answer> {
    return this.#parts.bounded.send(call.with({ transaction: this.#current, inTransaction: this.#parts.number }));
  }

  /** Opens another one like the first, which can be adopted. */
  openAnother(): Promise<Uuid> {
    return this.#parts.open();
  }

  /** Opens one that is thrown away in any case. */
  openWitness(): Promise<Uuid> {
    return this.#parts.openWitness();
  }

  /** Goes on in this one; the one before is cancelled. */
  adopt(second: Uuid): void {
    const first = this.#current;
    this.#current = second;
    void this.drop(first);
  }

  /** Where calls can be made again, past all that concerns the calls of the user. */
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

  /** Commits the one of now, within the time of the transaction. */
  async commit(): Promise<void> {
    await this.#parts.bounded.ask((connection) => connection.commit(this.#current));
  }

  /**
   * Cancels the one of now, also when the time of the transaction is up.
   * @throws DeadlineError when it takes longer than a rollback may
   */
  async cancel(): Promise<void> {
    await this.#cancelInTime(this.#current);
  }

  /** Cancels one that is not needed any more. Never rejects, so that nothing has to wait for it. */
  async drop(transaction: Uuid): Promise<void> {
    try {
      await this.#cancelInTime(transaction);
    } catch {
      // Never committed, it ends with the connection at the latest.
      this.#parts.lease.discard();
    }
  }

  async #cancelInTime(transaction: Uuid): Promise<void> {
    const { lease, rollbackTimeout } = this.#parts;
    const cancel = (): Promise<void> => lease.ask((connection) => connection.cancel(transaction));
    await withDeadline('rolling back a transaction', rollbackTimeout, [], cancel);
  }
}
