import type { ResolvedPoolConfig } from '../config/pool-options.js';
import type { EndpointSettings } from '../endpoints/endpoint.js';
import type { Clock } from '../time/clock.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { WaitingOrder } from './order.js';
import type { Origin } from './origin.js';
import type { SharedUse, Waiter } from './waiter.js';

/** How one is opened: `signal` is aborted when the pool no longer wants it; `died` may be called once, later. */
export interface OpenContext<I extends Identity> {
  readonly id: number;
  readonly identity: I;
  readonly signal: AbortSignal;
  readonly died: (error: unknown) => void;
}

/** What the pool lends, as seen by the pool: the things it can do with one. */
export interface ResourceFactory<R, I extends Identity> {
  open(context: OpenContext<I>): Promise<R>;
  /**
   * Makes an idle one into one of another identity. A rejection that {@link ResourceFactory.isFatal | is for good} says
   * that this identity cannot be had, and has left the resource as it was.
   */
  change(resource: R, identity: I, signal: AbortSignal): Promise<void>;
  /** Whether nothing a lease did has to be undone: asked at each release, so it must be quick. */
  isClean(resource: R): boolean;
  /** Undoes what the last lease did. Rejects when that is impossible. */
  reset(resource: R, signal: AbortSignal): Promise<void>;
  /** Proves that it works. Rejects when it does not. */
  probe(resource: R, signal: AbortSignal): Promise<void>;
  /**
   * Until when it may be lent without a new proof of what it is, on the pool's clock; `Infinity` for always. After that it
   * is probed first. Asked at each acquire, so it must be quick.
   */
  lendableUntil(resource: R): number;
  /** How long nothing has been asked of it, in milliseconds; undefined while something is under way on it. */
  idleFor(resource: R): number | undefined;
  /** How many messages may be under way on it at once for calls that share it; 1 or more. Asked at each such acquire. */
  seats(resource: R): number;
  /** Whether further calls may share it: nothing of its state was changed, and nothing is changing it. */
  isShareable(resource: R): boolean;
  /** Ends it and all that runs on it; by force once `signal` is aborted. */
  close(resource: R, signal: AbortSignal): Promise<void>;
  /** Whether a failure to open shows that the endpoint is alive, and only says no. */
  isAnswer(error: unknown): boolean;
  /** Whether trying to open again is pointless, as with wrong credentials. */
  isFatal(error: unknown): boolean;
  /** What is told of an opening that the pool gave up for this reason; the reason itself where this is left out. */
  givenUp?(reason: unknown): unknown;
  /** When a call on it was answered last, on the pool's clock; `-Infinity` for never. */
  answeredAt(resource: R): number;
  /** How long, in milliseconds, the server asked to be left alone by this failure to open; undefined when it did not. */
  retryAfter?(error: unknown): number | undefined;
  /** Whether this end of a connection says something about its server; left out for yes. */
  isIllness?(error: unknown): boolean;
}

/** What the pool itself reads of its configuration. */
export type PoolSettings = Pick<
  ResolvedPoolConfig,
  | 'minConnections'
  | 'maxConnections'
  | 'batching'
  | 'maxConnecting'
  | 'maxWaiters'
  | 'connectionTimeout'
  | 'openTimeout'
  | 'probeTimeout'
  | 'resetTimeout'
  | 'closeTimeout'
  | 'idleTimeout'
  | 'maxLifetime'
  | 'recycleAfterUses'
  | 'validateOnCheckout'
  | 'validationInterval'
  | 'leakDetectionThreshold'
  | 'idleLeaseThreshold'
  | 'healthCheckInterval'
  | 'unhealthyThreshold'
  | 'warmConnections'
>;

/** What the pool needs of the world around it. */
export interface PoolSurroundings<R, I extends Identity> {
  /** What the pool is called, in errors. */
  readonly name: string;
  readonly factory: ResourceFactory<R, I>;
  /** What connections are when nobody asks for another identity: the minimum is kept of these. */
  readonly home: I;
  readonly clock: Clock;
  /** In milliseconds: where it runs ahead of the clock, the machine was suspended. Left out, that is not looked for. */
  readonly timeOfDay?: (() => number) | undefined;
  /** From 0 (inclusive) to 1: for the jitter of lifetimes. */
  readonly random: () => number;
  /** In which order callers who wait are served; left out for first come, first served. */
  readonly order?: WaitingOrder<Waiter<R, I>, IdentityGroup<I>> | undefined;
  /** How attempts to open are spaced when they fail, and when the circuit is opened. */
  readonly endpoint: EndpointSettings;
}

/** How long, and until when, one acquire may wait. */
export interface AcquireOptions<I extends Identity = Identity> {
  /** What the connection has to be, instead of the pool's home. */
  readonly identity?: I | undefined;
  /** Gives up as soon as it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`, in milliseconds; 0 waits for ever. */
  readonly timeout?: number | undefined;
  /** Only a connection that is opened for this acquire, or later, will do. */
  readonly fresh?: boolean | undefined;
  /**
   * For one call that leaves no trace on the connection: it may be one that other calls are under way on. Without effect
   * together with `fresh`.
   */
  readonly shared?: SharedUse | undefined;
  /** Who asks, for reports on leases that are held too long. */
  readonly origin?: Origin | undefined;
}
