import type { BoundQuery, LiveMessage, QueryChunk, RetryOptions, Session, SurrealQueryable, Uuid } from 'surrealdb';
import { isConflict } from '../errors/server-errors.js';
import type { ExportContent } from '../wire/export-requests.js';

/** The SDK's type of its connection controller; the SDK does not export its name. */
type Controller = ConstructorParameters<typeof SurrealQueryable>[0];

/** A capability of a server, as the SDK names it. */
export type Feature = Parameters<Controller['assertFeature']>[0];

/**
 * The members that the SDK's queries, builders and live subscriptions use of the object they were made with, and no
 * others. The SDK passes its connection controller there; the pool passes an object that knows the lease. That
 * constructor parameter is internal to the SDK, so the peer dependency is pinned to one minor version and a contract
 * test lists what is used.
 */
export interface QueryChannel {
  ready(): Promise<void>;
  query<T>(query: BoundQuery, session: Session, transaction?: Uuid): AsyncIterable<QueryChunk<T>>;
  liveQuery(id: Uuid): AsyncIterable<LiveMessage>;
  /** Called by the SDK's `ExportPromise`; absent where exports are not possible. */
  exportSql?(content: ExportContent): Promise<Response>;
  readonly retry: RetryOptions;
  readonly status: 'connected' | 'disconnected';
  assertFeature(feature: Feature): void;
  hasSession(session: Session): boolean;
  subscribe(event: string, listener: () => void): () => void;
  propagateError(error: Error): void;
}

/** Casts our channel to the SDK's controller; done only here. */
export function asController(channel: QueryChannel): Controller {
  return channel as unknown as Controller;
}

/**
 * For queries with `.retry()`: off by default, as in the SDK, but a conflict is recognised on every server; the SDK's
 * own test never matches before SurrealDB 3.0.5.
 */
export const conflictRetry: RetryOptions = {
  enabled: false,
  attempts: 5,
  retryDelay: 20,
  retryDelayMax: 2000,
  retryDelayMultiplier: 2,
  retryDelayJitter: 0.5,
  retryable: isConflict,
};
