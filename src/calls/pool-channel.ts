import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session } from 'surrealdb';
import { UsageError } from '../errors/configuration.js';
import type { CallOutcome } from '../errors/pool-error.js';
import { isConflict } from '../errors/server-errors.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { refuseStatements } from '../surrealql/refused-statements.js';
import { type RetryRules, withRetry } from '../time/retry.js';
import type { Answer } from '../wire/answer.js';
import type { Batches } from './batch.js';
import { Call } from './call.js';
import { Chunks } from './chunks.js';
import { LeaseChannel } from './lease-channel.js';
import type { CallLimits } from './limits.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';

/** So many attempts of a call may find a connection that is closing, and sent nothing, without being counted. */
const unsentAttempts = 10;
/** After so many of these, no connection is taken that has not answered since. */
const unsentBeforeProof = 3;

/**
 * Borrows a connection for one call. `fresh`: only one that is opened from now on; `joins`: the call may go in a message
 * with others.
 */
export type Borrow = (how: { readonly fresh: boolean; readonly joins: boolean }) => Promise<Lease<Connection>>;

/** What queries made from the pool itself go through: each call borrows a connection and gives it back with the answer. */
export class PoolChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly status = 'connected';
  readonly #acquire: Borrow;
  readonly #pool: string;
  readonly #limits: CallLimits;
  readonly #batches: Batches;
  readonly #retryRules: RetryRules<Call>;

  constructor(acquire: Borrow, pool: string, limits: CallLimits, batches: Batches, retryRules: RetryRules<Call>) {
    this.#acquire = acquire;
    this.#pool = pool;
    this.#limits = limits;
    this.#batches = batches;
    this.#retryRules = { ...retryRules, unsentAttempts };
  }

  async ready(): Promise<void> {}

  query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    return new Chunks(() => this.#answer(Call.of(query)));
  }

  async #answer(call: Call): Promise<Answer> {
    refuseStatements(call.surrealText, 'pool');
    try {
      // The whole answer comes in one message: a caller that reads it slowly, or not to its end, holds no connection.
      return await withRetry(
        (attempt, unsent) => this.#ask(attempt === 1 ? call : call.again(), unsent >= unsentBeforeProof),
        this.#retryRules,
        call,
      );
    } catch (error) {
      if (error instanceof NothingApplied) return error.chunks;
      throw error;
    }
  }

  async #ask(call: Call, fresh: boolean): Promise<Answer> {
    const { counters, texts } = this.#batches;
    const lease = await this.#acquire({ fresh, joins: texts.mayJoin(call) });
    counters.began();
    try {
      const batch = this.#batches.of(lease.seat);
      if (batch === undefined) counters.count(1);
      const chunks = await new LeaseChannel(lease, this.#pool, this.#limits).send(call, batch);
      texts.answered(call, chunks);
      // The text was read before it was sent, so the server took for LIVE what the pool could not see.
      if (chunks.some(({ type }) => type === 'live')) throw liveNeedsLease('unknown');
      if (chunks.every(({ error }) => error !== undefined)) {
        const conflict = chunks.find(({ error }) => isConflict(error))?.error;
        if (conflict !== undefined) throw new NothingApplied(chunks, conflict);
      }
      return chunks;
    } finally {
      counters.ended();
      lease.release();
    }
  }

  liveQuery(): never {
    throw liveNeedsLease();
  }

  /** Other features are for the server to refuse: which connection will carry the call is not known yet. */
  assertFeature(feature: Feature): void {
    if (feature === Features.LiveQueries) throw liveNeedsLease();
  }

  hasSession(): boolean {
    return true;
  }

  subscribe(): () => void {
    return () => {};
  }

  propagateError(): void {}
}

/** Every statement was refused, one of them because of a concurrent transaction: all of it may be sent again. */
class NothingApplied extends Error {
  constructor(
    readonly chunks: Answer,
    cause: Error,
  ) {
    super('nothing was applied', { cause });
  }
}

function liveNeedsLease(outcome: CallOutcome = 'not-sent'): UsageError {
  return new UsageError(
    'a live query needs a connection of its own for as long as it runs: acquire() one and call live() on it',
    { outcome },
  );
}
