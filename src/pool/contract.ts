import type { LoadBalancing, Target } from '../config/endpoint-options.js';
import type { ResolvedPoolConfig } from '../config/pool-options.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import type { EndpointSettings } from '../endpoints/endpoint-state.js';
import type { BalancingSettings } from '../endpoints/endpoints.js';
import type { Clock } from '../time/clock.js';
import type { Identity } from './identity-group.js';
import type { Origin } from './origin.js';
import type { Tenant } from './tenant.js';
import type { SharedUse } from './waiter.js';

/** How one is opened: `signal` is aborted when the pool no longer wants it; `died` may be called once, later. */
export interface OpenContext<I extends Identity> {
  readonly id: number;
  readonly identity: I;
  /** Which server to open it at. */
  readonly endpoint: EndpointAddress;
  readonly signal: AbortSignal;
  readonly died: (error: unknown) => void;
}

/** What the pool can do with a resource it lends. */
export interface ResourceFactory<R, I extends Identity> {
  open(context: OpenContext<I>): Promise<R>;
  /**
   * Switches an idle resource to another identity. A {@link ResourceFactory.isFatal | fatal} rejection means that this
   * identity cannot be had and that the resource is unchanged.
   */
  change(resource: R, identity: I, signal: AbortSignal): Promise<void>;
  /** Whether the lease left nothing to undo. Asked at each release, so it must be quick. */
  isClean(resource: R): boolean;
  /** Undoes what the last lease did. Rejects if that is impossible. */
  reset(resource: R, signal: AbortSignal): Promise<void>;
  /** Checks that the resource works. Rejects if it does not. */
  probe(resource: R, signal: AbortSignal): Promise<void>;
  /**
   * One round trip to its server that needs no session, to measure its latency; left out, there is nothing to measure.
   * Rejects when the resource ends first. It has no deadline of its own.
   */
  ping?(resource: R): Promise<void>;
  /**
   * Until when it may be lent without a probe, on the pool's clock; `Infinity` for always. After that it is probed
   * before it is lent. Asked at each acquire, so it must be quick.
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
  /** Whether a failure to open came as an answer: the endpoint is alive and refuses. */
  isAnswer(error: unknown): boolean;
  /** Whether trying to open again is pointless, as with wrong credentials. */
  isFatal(error: unknown): boolean;
  /**
   * The error reported for an opening that the pool gave up for this reason; left out, the reason itself is reported.
   *
   * @param endpoint where it was being opened; left out for the only server
   */
  givenUp?(reason: unknown, endpoint?: EndpointAddress): unknown;
  /** When a call on it was answered last, on the pool's clock; `-Infinity` for never. */
  answeredAt(resource: R): number;
  /**
   * How long, in milliseconds, the server asked the pool to wait with this failure to open; undefined when it asked
   * nothing.
   */
  retryAfter?(error: unknown): number | undefined;
  /**
   * Whether this error, of a call, of the end of a connection or of an opening, says that its server is shutting down or
   * has no room, so that further work belongs on another one at once; left out for never.
   */
  isLeaving?(error: unknown): boolean;
  /** The pool has no connection at this server any more, and opens none there. */
  forgetEndpoint?(url: string): void;
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
  | 'loadShedding'
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
  /** The identity of connections when the caller asks for no other. The minimum consists of these. */
  readonly home: I;
  readonly clock: Clock;
  /**
   * The time of day in milliseconds. When it runs ahead of the clock, the machine was suspended. Left out, the pool
   * does not look for that.
   */
  readonly timeOfDay?: (() => number) | undefined;
  /** From 0 (inclusive) to 1: for the jitter of lifetimes. */
  readonly random: () => number;
  /** How attempts to open are spaced when they fail, and when the circuit is opened. */
  readonly breaker: EndpointSettings;
  /** Where connections are opened; left out, the factory knows the only place. */
  readonly endpoints?: PoolEndpoints | undefined;
}

/** The endpoints that a pool begins with, and how it spreads over them. */
export interface PoolEndpoints {
  readonly targets: readonly Target[];
  /** Whose idle connection is lent. */
  readonly loadBalancing: LoadBalancing;
  readonly balancing: PoolBalancing;
}

/** How a pool spreads over its endpoints. */
export interface PoolBalancing extends BalancingSettings {
  /** How often, in milliseconds, one connection may be closed to be opened elsewhere; 0: never. */
  readonly rebalanceInterval: number;
  /** How far above its share of the connections an endpoint may stay, as a part of it. */
  readonly tolerance: number;
}

/** How long, and until when, one acquire may wait. */
export interface AcquireOptions<I extends Identity = Identity> {
  /** The identity the connection must have, instead of the pool's home. */
  readonly identity?: I | undefined;
  /** Whose part of the pool it takes; left out for that of plain callers. Made by `Pool.addTenant()`. */
  readonly tenant?: Tenant | undefined;
  /** The acquire is given up as soon as this signal is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the pool's `connectionTimeout`, in milliseconds; 0 waits for ever. */
  readonly timeout?: number | undefined;
  /** Accepts only a connection opened after this acquire began. */
  readonly fresh?: boolean | undefined;
  /**
   * For one call that leaves no state on the connection, so it may share a connection with other calls. No effect
   * together with `fresh`.
   */
  readonly shared?: SharedUse | undefined;
  /** The caller's stack, for reports on leases held too long. */
  readonly origin?: Origin | undefined;
}
