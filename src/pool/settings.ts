import type { Clock } from './clock.js';
import type { Breaker } from './opening-policy.js';

/** What the pool lends, as seen by the pool: five things it can do with one. */
export interface ResourceFactory<R> {
  /** Makes one. `signal` is aborted when the pool no longer wants it; `died` may be called once, at any later time. */
  open(context: { id: number; signal: AbortSignal; died: (error: unknown) => void }): Promise<R>;
  /** Whether nothing a lease did has to be undone: asked at each release, so it must be quick. */
  isClean(resource: R): boolean;
  /** Undoes what the last lease did. Rejects when that is impossible. */
  reset(resource: R, signal: AbortSignal): Promise<void>;
  /** Proves that it works. Rejects when it does not. */
  probe(resource: R, signal: AbortSignal): Promise<void>;
  /** Ends it and all that runs on it; by force once `signal` is aborted. */
  close(resource: R, signal: AbortSignal): Promise<void>;
  /** Whether trying to open again is pointless, as with wrong credentials. */
  isFatal(error: unknown): boolean;
}

/** The numbers a pool lives by. Durations in milliseconds. */
export interface PoolSettings {
  readonly minConnections: number;
  readonly maxConnections: number;
  /** Opened at the same time, at most. */
  readonly maxConnecting: number;
  /** Callers that may wait although every connection is leased; `Infinity` for no limit. */
  readonly maxWaiters: number;
  /** For the whole acquire; 0 waits for ever. */
  readonly connectionTimeout: number;
  readonly openTimeout: number;
  readonly probeTimeout: number;
  readonly resetTimeout: number;
  readonly closeTimeout: number;
  /** 0: never closed for being idle. */
  readonly idleTimeout: number;
  /** 0: never closed for its age. */
  readonly maxLifetime: number;
  /** 0: never closed for its uses. */
  readonly recycleAfterUses: number;
  readonly validateOnCheckout: boolean;
  /** Not probed when it showed within this time that it works; 0: always probed. */
  readonly validationInterval: number;
  /** A lease held longer than this is reported, once; 0: never. */
  readonly leakDetectionThreshold: number;
  /** Open the minimum at start and keep it; otherwise the minimum is only not closed for idleness. */
  readonly warmConnections: boolean;
}

/** What the pool needs of the world around it. */
export interface PoolSurroundings<R> {
  readonly factory: ResourceFactory<R>;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1: for the jitter of lifetimes. */
  readonly random: () => number;
  /** How long to wait before opening again, after this many failures in a row (1 and up). */
  readonly backoff: (failures: number) => number;
  /** Whether opening is worth an attempt when it keeps failing. */
  readonly breaker: Breaker;
}

/** How long, and until when, one acquire may wait. */
export interface AcquireOptions {
  /** Gives up as soon as it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`, in milliseconds; 0 waits for ever. */
  readonly timeout?: number | undefined;
  /** Who asks, for reports on leases that are held too long: the stack of the acquire. */
  readonly origin?: string | undefined;
}
