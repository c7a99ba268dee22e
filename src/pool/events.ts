import { messageOf } from '../errors/error-message.js';
import type { CloseReason } from './slot.js';

/** Why an acquire was refused at once. */
export type RefusalReason = 'queue-full' | 'shutdown' | 'circuit-open';

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
   * `retryIn`: how long the pool waits before it opens again; undefined when the cause is fatal and it stops.
   * `ownIdentity`: whether it was to be one of the pool's own identity.
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
  /** So many probes failed in a row that something must be wrong (`unhealthyThreshold`), or one passed again. */
  healthChanged: { healthy: boolean; failures: number; error: unknown };
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

/**
 * A set of typed events. They are delivered in their order, as soon as what is going on has come to an end (in a
 * microtask), never in the middle of it: a listener may call whatever it likes. One that throws is reported as a process
 * warning and hurts nobody else.
 */
export class Emitter<Events> {
  readonly #listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {};
  #count = 0;
  #waiting: (() => void)[] = [];

  /** Calls `listener` after every such event. Returns the function that ends it. */
  subscribe<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    // A wrapper of our own, so that the same function may be subscribed twice and each ended alone.
    const own = (event: Events[Name]): void => listener(event);
    const listeners: Set<(event: Events[Name]) => void> = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners;
    listeners.add(own);
    this.#count++;
    return () => {
      if (listeners.delete(own)) this.#count--;
    };
  }

  /** Whether anybody listens: asked before an event object is built. */
  has(name: keyof Events): boolean {
    return this.#count > 0 && (this.#listeners[name]?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.#deliver());
    this.#waiting.push(() => this.#tell(name, event));
  }

  #deliver(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const tell of events) tell();
  }

  #tell<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(
          `a listener for the event "${String(name)}" threw: ${messageOf(error)}`,
          'SurrealPoolWarning',
        );
      }
    }
  }
}
