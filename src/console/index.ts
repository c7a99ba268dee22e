export type { FastifyReplyLike, FastifyRequestLike } from '../http/fastify-adapter.js';
export type { FetchContext } from '../http/fetch-adapter.js';
export type { HttpHandler } from '../http/http-handler.js';
export type { ConnectionManager } from '../manager.js';
export type { Pools } from '../metrics/pools.js';
export type { Verdict, VerdictKind } from '../verdict/verdict.js';
export { consoleHandler } from './console-handler.js';
export type { ConsoleOptions } from './console-options.js';
export type { ConsoleMessage } from './live-feed.js';
export type { RecentEvent } from './recent-events.js';
export type {
  ConsoleSnapshot,
  SnapshotAgent,
  SnapshotAgents,
  SnapshotCell,
  SnapshotCounts,
  SnapshotEndpoint,
  SnapshotFailures,
  SnapshotLease,
  SnapshotRates,
  SnapshotTotals,
} from './snapshot.js';
