import type { BoundQuery, LiveMessage, QueryChunk, RetryOptions, Session, SurrealQueryable, Uuid } from 'surrealdb';
import { isConflict } from '../errors/server-errors.js';
import type { ExportContent } from '../wire/export-requests.js';

/** The type the SDK has for what is below; it does not export its name. */
type Controller = ConstructorParameters<typeof SurrealQueryable>[0];

/** A capability of a server, as the SDK names it. */
export type Feature = Parameters<Controller['assertFeature']>[0];

/**
 * What the SDK's queries, builders and live subscriptions use of the object they were made with: these members and no
 * others. The SDK hands in its connection controller there; we hand in an object that knows the lease. That constructor
 * parameter is internal to the SDK, so the peer dependency is held to one minor version and a contract test lists what
 * is used.
 */
export interface QueryChannel {
  ready(): Promise<void>;
  query<T>(query: BoundQuery, session: Session, transaction?: Uuid): AsyncIterable<QueryChunk<T>>;
  liveQuery(id: Uuid): AsyncIterable<LiveMessage>;
  /** Asked by the SDK's `ExportPromise`; only what can export has it. */
  exportSql?(content: ExportContent): Promise<Response>;
  readonly retry: RetryOptions;
  readonly status: 'connected' | 'disconnected';
  assertFeature(feature: Feature): void;
  hasSession(session: Session): boolean;
  subscribe(event: string, listener: () => void): () => void;
  propagateError(error: Error): void;
}

/** The one place where our channel passes for the SDK's controller. */
export function asController(channel: QueryChannel): Controller {
  return channel as unknown as Controller;
}

/**
 * For queries that say `.retry()`: off unless they do, as in the SDK, but a conflict is recognised on every server; the
 * SDK's own test never fires before SurrealDB 3.0.5.
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
