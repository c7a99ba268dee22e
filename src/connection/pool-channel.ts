import { type BoundQuery, Features, type QueryChunk, type RetryOptions, type Session } from 'surrealdb';
import { UsageError } from '../errors.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from './connection.js';
import { type CallLimits, LeaseChannel } from './lease-channel.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';

/** What queries made from the pool itself go through: each call borrows a connection and gives it back with the answer. */
export class PoolChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly status = 'connected';
  readonly #acquire: () => Promise<Lease<Connection>>;
  readonly #pool: string;
  readonly #limits: CallLimits;

  constructor(acquire: () => Promise<Lease<Connection>>, pool: string, limits: CallLimits) {
    this.#acquire = acquire;
    this.#pool = pool;
    this.#limits = limits;
  }

  async ready(): Promise<void> {}

  async *query<T>(query: BoundQuery, session: Session): AsyncIterable<QueryChunk<T>> {
    const lease = await this.#acquire();
    try {
      for await (const chunk of new LeaseChannel(lease, this.#pool, this.#limits).query<T>(query, session)) {
        if (chunk.type === 'live') throw liveNeedsLease();
        yield chunk;
      }
    } finally {
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

function liveNeedsLease(): UsageError {
  return new UsageError(
    'a live query needs a connection of its own for as long as it runs: acquire() one and call live() on it',
  );
}
