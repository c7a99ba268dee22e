export type { ConnectionManager } from '../manager.js';
export type { Verdict, VerdictKind } from '../metrics/verdict.js';
export type { RecentEvent } from './recent-events.js';
export type {
  ConsoleSnapshot,
  SnapshotAgent,
  SnapshotAgents,
  SnapshotCell,
  SnapshotConnection,
  SnapshotCounts,
  SnapshotEndpoint,
  SnapshotFailures,
  SnapshotLease,
  SnapshotRates,
  SnapshotTotals,
} from './snapshot.js';
