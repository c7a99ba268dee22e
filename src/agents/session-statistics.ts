import { inAllNames, type ResourceLimits } from './limits.js';
import type { SessionCore, SessionState } from './session-core.js';
import type { RecordedCounters, Refusals, UsageCounters } from './usage.js';

/** What a session has used, its children included. Times are in milliseconds. */
export interface SessionStatistics {
  readonly agentId: string;
  readonly sessionId: string;
  readonly namespace: string;
  readonly database: string;
  /** Whether it was closed: `closing` until what was under way has ended. */
  readonly state: SessionState;
  /** The session of which it is a child; undefined when it has no parent. */
  readonly parentId: string | undefined;
  /** Connections that it holds or waits for now, those of single calls included. */
  readonly activeConnections: number;
  /** Its calls that wait for a connection now. */
  readonly waiting: number;
  /** Calls that were admitted; those that never ran are given back. */
  readonly totalOperations: number;
  /**
   * Transactions: those of the database that were begun, and operations that the program recorded in the log. It is open +
   * committed + aborted + unknown. One that was repeated after conflicts is one.
   */
  readonly totalTransactions: number;
  /** Those that have not ended. */
  readonly openTransactions: number;
  readonly committedTransactions: number;
  readonly abortedTransactions: number;
  /** Transactions of the database of which it is not known whether they were committed. */
  readonly unknownTransactions: number;
  /** How many of these were recorded by the program: in all, and by how it said that they ended. */
  readonly recordedTransactions: Readonly<RecordedCounters>;
  /** How often it was refused, by limit. */
  readonly refused: Refusals;
  /** How many of its own calls were refused by its guards, or those of its parents. */
  readonly refusedByGuards: number;
  /** Rows of its answers. */
  readonly rows: number;
  /** Bytes of its answers; measured only while it has the limit `maxBytes`, else 0. */
  readonly bytes: number;
  /** How long connections worked for it; one that several calls share counts for each in part. */
  readonly busyTime: number;
  /** The longest that one of its own calls waited for a connection, and all together. */
  readonly longestWait: number;
  readonly timeWaited: number;
  readonly weight: number;
  /** The limits of the session itself, as they were given; where one has two names, by both. */
  readonly resourceLimits: ResourceLimits;
  /** Entries of its log that have fallen out. */
  readonly logDropped: number;
}

/** What can be summed over sessions. */
export type SessionTotals = Pick<
  SessionStatistics,
  | 'totalOperations'
  | 'totalTransactions'
  | 'openTransactions'
  | 'committedTransactions'
  | 'abortedTransactions'
  | 'unknownTransactions'
  | 'activeConnections'
  | 'rows'
  | 'bytes'
  | 'busyTime'
>;

export function totalsOf(counters: UsageCounters): SessionTotals {
  const { activeConnections, unknownTransactions, rows, bytes, busyTime, recorded } = counters;
  return {
    ...{ activeConnections, unknownTransactions, rows, bytes, busyTime },
    totalOperations: counters.operations,
    totalTransactions: counters.transactions + recorded.recorded,
    openTransactions: counters.openTransactions + recorded.recorded - recorded.committed - recorded.aborted,
    committedTransactions: counters.committedTransactions + recorded.committed,
    abortedTransactions: counters.abortedTransactions + recorded.aborted,
  };
}

export function sessionStatistics(core: SessionCore): SessionStatistics {
  const { agentId, sessionId, settings, state, tenant, usage } = core;
  const { namespace, database } = settings.place;
  const counters = usage.counters;
  const { recorded } = counters;
  return {
    ...{ agentId, sessionId, namespace, database, state, parentId: settings.parent?.sessionId },
    ...totalsOf(counters),
    waiting: tenant?.waiting ?? 0,
    recordedTransactions: recorded,
    refused: counters.refused,
    refusedByGuards: core.refusedByGuards,
    longestWait: tenant?.longestWait ?? 0,
    timeWaited: tenant?.timeWaited ?? 0,
    weight: settings.weight,
    resourceLimits: inAllNames(usage.given),
    logDropped: core.logDropped,
  };
}
