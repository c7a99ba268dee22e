import type { BoundQuery, QueryChunk, Uuid } from 'surrealdb';
import type { LeaseChannel } from '../connection/lease-channel.js';
import type { Exchange } from '../connection/tapped-codec.js';
import { untilAborted } from '../connection/until-aborted.js';
import { DeadlineError } from '../errors.js';
import { replay } from './replay.js';
import { prepareCall } from './replayable-call.js';
import { endServerTransaction } from './server-transaction.js';
import type { LoggedCall, StatementLog } from './statement-log.js';

/** What a transaction of the server is reached by. */
export interface ReplaceableTransactionParts {
  /** The lease, for what has to be done even when the time of the transaction is up. */
  readonly lease: LeaseChannel;
  /** The lease within the time and the signal of the transaction: for its calls. */
  readonly bounded: LeaseChannel;
  /** How long a rollback may take, in milliseconds. */
  readonly rollbackTimeout: number;
  /** Opens another transaction on the server, like the first. */
  readonly open: () => Promise<Uuid>;
}

/** The transaction of the server behind one of the pool. Another one can take its place, which nobody outside sees. */
export class ReplaceableTransaction {
  readonly #parts: ReplaceableTransactionParts;
  /** The one of now: here and nowhere else, so that another one can take its place. */
  #current: Uuid;
  /** When the first one was begun, in milliseconds of this process. */
  readonly #begunAt: number;

  constructor(parts: ReplaceableTransactionParts, first: Uuid, begunAt: number) {
    this.#parts = parts;
    this.#current = first;
    this.#begunAt = begunAt;
  }

  /** Sends a call, and keeps in the log what it takes to replay it. */
  async send<T>(query: BoundQuery, log: StatementLog | undefined): Promise<QueryChunk<T>[]> {
    const { bounded } = this.#parts;
    if (log === undefined) return await ask<T>(bounded, query, this.#current);
    const prepared = prepareCall(query);
    let exchange: Exchange | undefined;
    const wanted = log.note(query.query, prepared.replayability);
    const show = (shown: Exchange): void => {
      exchange = shown;
    };
    const chunks = await ask<T>(bounded, prepared.query, this.#current, wanted ? show : undefined);
    if (wanted && chunks.every(({ error }) => error === undefined)) {
      if (exchange === undefined) throw new Error('the reply of a call was not seen');
      log.add(exchange, chunks.length, { from: this.#begunAt, until: performance.now() });
    }
    return chunks;
  }

  /**
   * Goes on with a transaction that has come as far as these calls, or stays as it is and throws. The server cannot take
   * anything back, so another transaction takes the place of the first:
   *
   *     first    begin ── calls before ──┬── calls behind ───────────────────── cancel
   *     second                           └─────────── begin ── calls before ──┬── goes on
   *                                                        all as the first time?
   *                                                                           └── no: cancel, and the first goes on
   *
   * @param refuse throws when the second is not wanted any more
   * @throws SavepointDivergedError, and what opening one and the calls throw
   */
  async replace(calls: readonly LoggedCall[], refuse: () => void): Promise<void> {
    const { bounded, open } = this.#parts;
    const second = await open();
    try {
      await replay(calls, (query, count) => ask(bounded.patient(count), query, second));
      // Much may have happened meanwhile.
      refuse();
    } catch (error) {
      void this.#drop(second);
      throw error;
    }
    const first = this.#current;
    this.#current = second;
    void this.#drop(first);
  }

  /** Commits the one of now, within the time of the transaction. */
  async commit(): Promise<void> {
    await endServerTransaction(this.#parts.bounded, 'commit', this.#current);
  }

  /**
   * Cancels the one of now, also when the time of the transaction is up.
   * @throws DeadlineError when it takes longer than a rollback may
   */
  async cancel(): Promise<void> {
    await this.#cancelInTime(this.#current);
  }

  /** Cancels one that is not needed any more; nobody has to wait for that. */
  async #drop(server: Uuid): Promise<void> {
    try {
      await this.#cancelInTime(server);
    } catch {
      // Never committed, it ends with the connection at the latest.
      this.#parts.lease.discard();
    }
  }

  async #cancelInTime(server: Uuid): Promise<void> {
    const { lease, rollbackTimeout } = this.#parts;
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DeadlineError('rolling back a transaction', rollbackTimeout)),
      rollbackTimeout,
    );
    try {
      await untilAborted(endServerTransaction(lease, 'cancel', server), deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function ask<T>(
  channel: LeaseChannel,
  query: BoundQuery,
  server: Uuid,
  show?: (exchange: Exchange) => void,
): Promise<QueryChunk<T>[]> {
  const chunks: QueryChunk<T>[] = [];
  const { session } = channel.connection;
  for await (const chunk of channel.query<T>(query, session, server, show)) chunks.push(chunk);
  return chunks;
}
