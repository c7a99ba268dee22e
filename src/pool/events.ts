import type { CloseReason } from './close-reason.js';

/** Why an acquire was refused at once. */
export type RefusalReason = 'queue-full' | 'shutdown' | 'circuit-open';

/** The name of every event, so that one that is misspelt is not waited for. */
export const eventNames: readonly string[] = Object.keys({
  started: true,
  acquireStarted: true,
  acquired: true,
  acquireTimedOut: true,
  acquireAborted: true,
  acquireRefused: true,
  acquireFailed: true,
  released: true,
  nestedAcquire: true,
  leaseOverdue: true,
  leaseIdle: true,
  leaseReclaimed: true,
  releasedTwice: true,
  transactionAbandoned: true,
  rollbackFailed: true,
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
  circuitChanged: true,
  paused: true,
  resumed: true,
  resized: true,
  recycledAll: true,
  gap: true,
  shutdownStarted: true,
  shutdownFinished: true,
} satisfies Record<keyof PoolEvents, true>);

/**
 * Everything the pool tells, step by step. Durations are in milliseconds. Each `acquireStarted` is followed by exactly
 * one of `acquired`, `acquireTimedOut`, `acquireAborted`, `acquireRefused` and `acquireFailed` with the same `acquire`.
 */
export interface PoolEvents {
  started: { minConnections: number; maxConnections: number };
  acquireStarted: { acquire: number };
  /** `reused`: the connection was there before this caller came; false when it was just opened. */
  acquired: { acquire: number; connection: number; waited: number; reused: boolean };
  acquireTimedOut: { acquire: number; waited: number; error: Error };
  acquireAborted: { acquire: number; waited: number; error: Error };
  acquireRefused: { acquire: number; reason: RefusalReason; error: Error };
  /** `ownIdentity`: false when the caller asked for another identity than the pool's own. */
  acquireFailed: { acquire: number; waited: number; ownIdentity: boolean; error: Error };
  released: { connection: number; held: number; uses: number };
  /** Work that holds a connection asked for another one while all were in use; `error` has both stacks. */
  nestedAcquire: { error: Error };
  /** A lease has been held for longer than `leakDetectionThreshold`; `origin` is the stack of its acquire. Told once. */
  leaseOverdue: { connection: number; held: number; origin: string | undefined };
  /** Nothing was asked of a lent connection for longer than `idleLeaseThreshold`. Told once a lease. */
  leaseIdle: { connection: number; held: number; idle: number; origin: string | undefined };
  /** A lease that nobody can release any more, because nobody holds it, was taken back. */
  leaseReclaimed: { connection: number; held: number; origin: string | undefined };
  /** A lease was released a second time: harmless, but a mistake in the caller's code. */
  releasedTwice: { connection: number };

  /** A transaction was open when its connection was released, and is cancelled. */
  transactionAbandoned: { connection: number };
  /** A transaction could not be cancelled: nothing of it is applied, and its connection is closed. */
  rollbackFailed: { connection: number; error: unknown };

  opening: { connection: number };
  opened: { connection: number; duration: number };
  /**
   * `retryIn`: how long the pool waits before it opens again; undefined when the cause is fatal and it stops, and when the
   * pool itself gave the attempt up. `ownIdentity`: whether it was to be a connection of the pool's own identity.
   */
  openFailed: {
    connection: number;
    duration: number;
    ownIdentity: boolean;
    error: unknown;
    retryIn: number | undefined;
  };
  validated: { connection: number; duration: number };
  validationFailed: { connection: number; duration: number; error: unknown };
  reset: { connection: number; duration: number };
  resetFailed: { connection: number; duration: number; error: unknown };
  /** An idle connection was made into one of another identity, for somebody who waits for that. */
  changed: { connection: number; duration: number };
  /** That identity could not be had, or the connection did not survive it. */
  changeFailed: { connection: number; duration: number; ownIdentity: boolean; error: unknown };
  /** The pool became able, or unable, to serve: see `healthStatus()`. `unanswered`: probes and calls without an answer. */
  healthChanged: { healthy: boolean; unanswered: number; error: unknown };
  /** A token was renewed before its end: connections that are opened later need no password. */
  tokenRenewed: Record<never, never>;
  /** A token could not be renewed. It is used to its end, unless it was refused: then who is opened next signs in anew. */
  tokenRenewalFailed: { error: unknown };
  /** The resource reported its own death. */
  died: { connection: number; error: unknown };
  closing: { connection: number; reason: CloseReason; age: number; uses: number };
  /** `error`: closing failed or did not end in time; the connection was let go all the same. */
  closed: { connection: number; reason: CloseReason; age: number; uses: number; duration: number; error?: unknown };

  /** `nextProbeIn`: when the next attempt is made, while the circuit is open; else 0. */
  circuitChanged: { state: 'closed' | 'open' | 'half-open'; nextProbeIn: number; error: unknown };
  paused: Record<never, never>;
  resumed: Record<never, never>;
  resized: { minConnections: number; maxConnections: number };
  recycledAll: { connections: number };
  /** The process stood still (suspended, or its event loop blocked): idle connections are probed before they are lent. */
  gap: { duration: number };
  shutdownStarted: { leased: number; waiting: number; gracePeriod: number };
  shutdownFinished: { duration: number; aborted: number };
}
