import type { CloseReason } from '../pool/close-reason.js';
import type { EndpointReport } from '../pool/endpoint-report.js';
import type { HistogramSummary } from '../pool/histogram.js';
import type { AgentsFigures } from './agent-figures.js';
import type { Step } from './distribution.js';
import type { Interruption } from './interruption.js';
import type { AgentPlan, Mix, Statement } from './load-plan.js';
import type { ErrorCount } from './measurements.js';
import type { MessageFigures } from './message-figures.js';

/** How operations ended. */
export interface OperationCounts {
  /** All operations that ended: `reads + writes + errors`. */
  readonly total: number;
  readonly reads: number;
  readonly writes: number;
  readonly errors: number;
}

/** What the pool had at one server. */
export type EndpointFigures = Pick<EndpointReport, 'url' | 'state' | 'connections' | 'opened'>;

/** The settings and results of a run. Times are in milliseconds, shares in percent. Contains no secret. */
export interface LoadFigures {
  readonly load: {
    /** The address without its query string, which may be secret. */
    readonly endpoint: string;
    /** Whether the database runs in this process, on the cores of its callers. */
    readonly engine: 'in-process' | 'server';
    readonly namespace: string;
    readonly database: string;
    /** Null when operations began at a fixed rate. */
    readonly workers: number | null;
    /** Operations due per second; null with workers. */
    readonly rate: number | null;
    /** The agent sessions that shared the workers; null when all workers used the pool itself. */
    readonly agents: AgentPlan | null;
    /** Whether operations were single calls of the pool, instead of a lease for each. */
    readonly singleCalls: boolean;
    /** Null when the user's own statements were run. */
    readonly mix: Mix | null;
    /** The user's statements without their text, which may be secret; null when the mix was run. */
    readonly statements: readonly Omit<Statement, 'text'>[] | null;
    /** How long operations were to be begun; null when only `operations` limited the run. */
    readonly duration: number | null;
    /** The most operations to begin; null for no limit. */
    readonly operations: number | null;
  };
  /** The signal that ended the run early, if one did. */
  readonly interrupted: Interruption | null;
  /** How long operations were begun, in fact. */
  readonly elapsed: number;
  readonly operations: OperationCounts & {
    /** Operations begun but not ended when the run was over. */
    readonly unfinished: number;
    /** Unfinished operations whose statement the database had not answered. */
    readonly unanswered: number;
    /** Operations due but never begun, because 100,000 others were under way. */
    readonly dropped: number;
    /** Operations that a limit of their agent refused. They are no errors, and in no other number or time. */
    readonly refused: number;
  };
  /** Operations per second that succeeded while operations were begun. */
  readonly throughput: {
    readonly mean: number;
    readonly slowestSecond: number;
    readonly perSecond: readonly number[];
  };
  /** From asking the pool for a connection to getting it. Unknown for single calls: its count is 0. */
  readonly wait: HistogramSummary;
  /**
   * From getting a connection to the database's answer; for a single call its whole time, including the wait for a
   * connection.
   */
  readonly query: HistogramSummary;
  /** From when an operation was due to its end. */
  readonly latency: HistogramSummary;
  readonly latencyDistribution: readonly Step[];
  /** The median time of a query before the load, alone. */
  readonly queryAlone: number;
  /** The share of time in which this process was computing. */
  readonly processBusy: number;
  readonly pool: {
    readonly minConnections: number;
    readonly maxConnections: number;
    readonly opened: number;
    readonly openFailed: number;
    readonly closed: number;
    readonly closedBy: Readonly<Partial<Record<CloseReason, number>>>;
    /** The share of acquires under load that got a connection already open. */
    readonly reuse: number;
    readonly messages: MessageFigures;
    /** What the pool had at each server at the end. */
    readonly endpoints: readonly EndpointFigures[];
  };
  /** What each agent had of the pool; null without agents. */
  readonly agents: AgentsFigures | null;
  readonly errors: Readonly<Record<string, ErrorCount>>;
}
