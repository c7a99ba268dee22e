import type { CloseReason } from './close-reason.js';

/** Why an acquire was refused at once. */
export type RefusalReason = 'queue-full' | 'shutdown' | 'circuit-open' | 'overload';

/** The name of every event, so that subscribing to a misspelt one fails. */
export const eventNames: readonly string[] = Object.keys({
  started: true,
  acquireStarted: true,
  acquired: true,
  acquireTimedOut: true,
  acquireAborted: true,
  acquireRefused: true,
  acquireFailed: true,
  answered: true,
  released: true,
  nestedAcquire: true,
  leaseOverdue: true,
  leaseIdle: true,
  leaseExpired: true,
  leaseEnded: true,
  leaseReclaimed: true,
  releasedTwice: true,
  transactionAbandoned: true,
  rollbackFailed: true,
  sessionOpened: true,
  sessionClosed: true,
  agentLimit: true,
  auditLost: true,
  opening: true,
  opened: true,
  openFailed: true,
  validated: true,
  validationFailed: true,
  reset: true,
  resetFailed: true,
  changed: true,
  changeFailed: true,
  healthChanged: true,
  tokenRenewed: true,
  tokenRenewalFailed: true,
  died: true,
  closing: true,
  closed: true,
  endpointChanged: true,
  endpointAdded: true,
  endpointRemoved: true,
  discoveryStale: true,
  circuitChanged: true,
  paused: true,
  resumed: true,
  resized: true,
  recycledAll: true,
  gap: true,
  operatorActed: true,
  shutdownStarted: true,
  shutdownFinished: true,
} satisfies Record<keyof PoolEvents, true>);

/**
 * The events of the pool. Durations are in milliseconds. Each `acquireStarted` is followed by exactly one of
 * `acquired`, `acquireTimedOut`, `acquireAborted`, `acquireRefused` and `acquireFailed` with the same `acquire`.
 */
export interface PoolEvents {
  started: { minConnections: number; maxConnections: number };
  acquireStarted: { acquire: number };
  /** `reused`: the connection was already open when the caller came; false when it was just opened. */
  acquired: { acquire: number; connection: number; waited: number; reused: boolean };
  acquireTimedOut: { acquire: number; waited: number; error: Error };
  acquireAborted: { acquire: number; waited: number; error: Error };
  acquireRefused: { acquire: number; reason: RefusalReason; error: Error };
  /** `ownIdentity`: false when the caller asked for another identity than the pool's own. */
  acquireFailed: { acquire: number; waited: number; ownIdentity: boolean; error: Error };
  /**
   * A query ended. `operation`: the first word of its statement, such as `SELECT`; `OTHER` for what is no statement.
   * `error`: why it failed, or the first error of its statements; undefined when there is none.
   */
  answered: { connection: number; operation: string; duration: number; error: unknown };
  released: { connection: number; held: number; uses: number };
  /** Work that holds a connection asked for another one while all were in use; `error` has both stacks. */
  nestedAcquire: { error: Error };
  /**
   * A lease has been held for longer than `leakDetectionThreshold`; `origin` is the stack of its acquire. Emitted once
   * per lease.
   */
  leaseOverdue: { connection: number; held: number; origin: string | undefined };
  /**
   * The holder of a lease has made no call for longer than `idleLeaseThreshold`, or than the `idleAfter` of its acquire.
   * Emitted once per lease.
   */
  leaseIdle: { connection: number; held: number; idle: number; origin: string | undefined };
  /** A lease ended by itself, since it held a connection for longer than the `maxHold` of its acquire. */
  leaseExpired: { connection: number; held: number; maxHold: number; origin: string | undefined };
  /** An operator ended a lease by `endLease()`. */
  leaseEnded: { connection: number; held: number; reason: string; origin: string | undefined };
  /** The pool took back a lease that no code referenced any more and so could not release. */
  leaseReclaimed: { connection: number; held: number; origin: string | undefined };
  /** A caller released a lease a second time: harmless, but a mistake in its code. */
  releasedTwice: { connection: number };

  /** A caller released a connection with an open transaction; the pool cancels it. */
  transactionAbandoned: { connection: number };
  /** A transaction could not be cancelled. Nothing of it is applied; the pool closes its connection. */
  rollbackFailed: { connection: number; error: unknown };

  /** An agent session was created. */
  sessionOpened: { agentId: string; sessionId: string; namespace: string; database: string };
  /** An agent session was closed, and nothing of it is under way. `busyTime`: how long connections worked for it. */
  sessionClosed: { agentId: string; sessionId: string; operations: number; busyTime: number };
  /**
   * A limit of an agent session refused a call, or discarded an answer. Emitted at most once a second for each session;
   * `refused`: how often since the last time. `limitOf`: the agent whose limit it is, when `scope` is `parent`.
   */
  agentLimit: {
    agentId: string;
    sessionId: string;
    limit: string;
    max: number;
    value: number;
    scope: 'session' | 'parent';
    limitOf: string;
    refused: number;
    error: Error;
  };
  /** Rows of the audit of agent sessions could not be written, and are lost. */
  auditLost: { rows: number; error: unknown };

  /** `endpoint`: the address of the server. */
  opening: { connection: number; endpoint: string };
  opened: { connection: number; endpoint: string; duration: number };
  /**
   * `retryIn`: how long the pool waits before it tries again; undefined when the cause is fatal and it stops, and when
   * the pool itself gave the attempt up. `ownIdentity`: whether the connection was for the pool's own identity.
   */
  openFailed: {
    connection: number;
    endpoint: string;
    duration: number;
    ownIdentity: boolean;
    error: unknown;
    retryIn: number | undefined;
  };
  validated: { connection: number; duration: number };
  validationFailed: { connection: number; endpoint: string; duration: number; error: unknown };
  reset: { connection: number; duration: number };
  resetFailed: { connection: number; endpoint: string; duration: number; error: unknown };
  /** An idle connection was switched to another identity for a waiter. */
  changed: { connection: number; duration: number };
  /** Switching a connection to another identity failed: the server refused it, or the connection was lost. */
  changeFailed: { connection: number; endpoint: string; duration: number; ownIdentity: boolean; error: unknown };
  /** The pool became able, or unable, to serve: see `healthStatus()`. `unanswered`: probes and calls without an answer. */
  healthChanged: { healthy: boolean; unanswered: number; error: unknown };
  /** A token was renewed before it expired: connections opened later need no password. */
  tokenRenewed: Record<never, never>;
  /**
   * A token could not be renewed. It is used until it expires; if the server refused it, the next connection signs in
   * anew.
   */
  tokenRenewalFailed: { error: unknown };
  /** The connection died by itself: its socket was closed. */
  died: { connection: number; endpoint: string; error: unknown };
  closing: { connection: number; endpoint: string; reason: CloseReason; age: number; uses: number };
  /** `error`: closing failed or did not end in time; the pool dropped the connection anyway. */
  closed: {
    connection: number;
    endpoint: string;
    reason: CloseReason;
    age: number;
    uses: number;
    duration: number;
    error?: unknown;
  };

  /** A server has another state: see `manager.endpoints()`. */
  endpointChanged: {
    endpoint: string;
    state: 'well' | 'doubtful' | 'out' | 'draining';
    before: 'well' | 'doubtful' | 'out' | 'draining';
    error: unknown;
  };
  /** The pool got one more server, or one came back that was being drained. */
  endpointAdded: { endpoint: string };
  /** A server that was removed has no connection any more. */
  endpointRemoved: { endpoint: string };
  /** The servers could not be looked up; those known before stay. */
  discoveryStale: { error: unknown };
  /** `nextProbeIn`: when the next attempt is made, while the circuit is open; else 0. */
  circuitChanged: { endpoint: string; state: 'closed' | 'open' | 'half-open'; nextProbeIn: number; error: unknown };
  paused: Record<never, never>;
  resumed: Record<never, never>;
  resized: { minConnections: number; maxConnections: number };
  recycledAll: { connections: number };
  /** The process was suspended or its event loop blocked: idle connections are probed before they are lent. */
  gap: { duration: number };
  /**
   * Somebody acted on the pool through the live page. `target`: the server or the connection, if the action has one. `by`: the
   * address from which it was asked.
   */
  operatorActed: {
    action: 'pause' | 'resume' | 'recycle' | 'drain' | 'undrain' | 'end-lease';
    target: string | undefined;
    by: string;
  };
  shutdownStarted: { leased: number; waiting: number; gracePeriod: number };
  shutdownFinished: { duration: number; aborted: number };
}
