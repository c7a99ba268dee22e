import type { Duration } from './duration.js';

/** One server of several. */
export interface EndpointOptions {
  /** Its address, `ws://<host>:<port>` or `wss://<host>`; without a path `/rpc` is meant. */
  url: string;
  /**
   * How much of the work it gets, in proportion to the weights of the others: one of weight 2 gets twice as much as one of
   * weight 1. Default 1; from 0.001 to 65,535.
   */
  weight?: number | undefined;
  /** Where it stands, such as `eu-1`: see `balancing.zone`. Default: nowhere, which is no zone's own. */
  zone?: string | undefined;
  /** Who goes first: those of a higher number get work only when too few of a lower number are well. Default 0; at most 65,535. */
  priority?: number | undefined;
}

/**
 * The servers that a host name stands for: one server for each of its addresses (A and AAAA records, and the system's own
 * table of hosts), which the system's resolver gives. It tells no time to live: `discovery.refresh` says how often to ask.
 */
export interface DnsEndpoints {
  /** The host name alone: `surreal.internal`. It is also the name in the certificates of the servers. */
  dns: string;
  /** The port, the same on each server. */
  port: number;
  /** Whether the connections are encrypted (`wss://`). Default false. */
  tls?: boolean | undefined;
  /** Which addresses count: those of IPv4, of IPv6 or `any`. Default `any`. */
  family?: 'any' | 4 | 6 | undefined;
  /** The path of the servers. Default `/rpc`. */
  path?: string | undefined;
}

/**
 * The servers that the SRV records of a name list (RFC 2782): one server for each, with the port, the weight and the priority
 * of its record. A weight of 0 means a very small share where others have more, and the same share for all where none has.
 */
export interface SrvEndpoints {
  /** The name of the records: `_surreal._tcp.internal`. */
  srv: string;
  /** Whether the connections are encrypted (`wss://`). Default false. */
  tls?: boolean | undefined;
  /** The path of the servers. Default `/rpc`. */
  path?: string | undefined;
}

/** The servers that a function knows. */
export interface DiscoverEndpoints {
  /**
   * Returns the servers as a list would have them. It is called at the start, after a connection was lost, and every
   * `discovery.refresh`, outside of any request, and has `openTimeout` to answer; then its signal is aborted. When it throws,
   * is late, or returns something else or nothing, the last list stays.
   */
  discover: (
    signal: AbortSignal,
  ) => readonly (string | EndpointOptions)[] | Promise<readonly (string | EndpointOptions)[]>;
}

/** Several servers of one database: all of them, or where to look for them. */
export type Endpoints = readonly (string | EndpointOptions)[] | DnsEndpoints | SrvEndpoints | DiscoverEndpoints;

/**
 * Which of several servers lends a connection, each by its share: each in turn (`round-robin`); the one with the fewest connections
 * lent (`least-connections`); one drawn at random (`random`); in turn, those that failed of late less often (`health-based`); or in
 * turn, one that answers twice as fast twice as often (`latency`).
 */
export type LoadBalancing = 'round-robin' | 'least-connections' | 'random' | 'health-based' | 'latency';

/** The strategies by other names. */
export const LoadBalancingStrategy = {
  RoundRobin: 'round-robin',
  LeastConnections: 'least-connections',
  Random: 'random',
  HealthBased: 'health-based',
  Latency: 'latency',
  LatencyBased: 'latency',
} as const;

/** A strategy by one of its names: `'round-robin'` or `'RoundRobin'`. */
export type LoadBalancingName = LoadBalancing | keyof typeof LoadBalancingStrategy;

/** Whether servers with different stores are refused: see {@link BalancingConfig.storeCheck}. */
export type StoreCheck = 'auto' | 'required' | 'off';

/** How connections and leases are shared out among several servers. With one server all of it is without effect. */
export interface BalancingConfig {
  /** The zone of this process: servers of the same zone go first. Default `null`; null: zones do not matter. */
  zone?: string | null | undefined;
  /**
   * How much of the own zone, by weight, has to be well for all work to stay there. With less, the same proportion is missing there
   * and goes to the other zones: with 0.7, half a zone that is well keeps 71 % of the work. Default `0.7`; from 0, all stays
   * while one is well, to 1.
   */
  spillOver?: number | undefined;
  /**
   * How long a server that is new, or came back, takes to grow from a tenth of its share to all of it. Default `30s`; 0 or null: it
   * has its share at once.
   */
  slowStart?: Duration | null | undefined;
  /**
   * When a smaller part of the servers than this is well, doubtful ones are used like well ones: so many failures at once are
   * more likely to be those of a network, and the few that are well would not bear all the work. Default `0.5`; from 0, never, to 1.
   */
  panicBelow?: number | undefined;
  /**
   * How often one idle connection is closed at a server that has too many, so that another opens at one that has too few. Default
   * `5s`; 0 or null: never.
   */
  rebalanceInterval?: Duration | null | undefined;
  /**
   * By which part of its share a server may have too many or too few connections without anything being done about it. Default
   * `0.2`; from 0 to 1.
   */
  tolerance?: number | undefined;
  /**
   * Whether a server with another store than the others is refused (`EndpointMismatchError`): `auto` uses one whose store cannot be
   * compared, because the user is a record user, say; `required` refuses that one too; `off` compares nothing, for servers that
   * are separate on purpose. Default `auto`.
   */
  storeCheck?: StoreCheck | undefined;
}

/** When the pool asks again which servers there are. A list of addresses is never asked for again. */
export interface DiscoveryConfig {
  /**
   * How often it is asked anew which servers there are, 20 % up or down. Default `60s`; 0 or null: only after a connection was lost
   * or could not be opened.
   */
  refresh?: Duration | null | undefined;
  /**
   * The least time from one look for servers to the next, however many connections are lost. Default `30s`, or `refresh` if
   * that is less; more than 0.
   */
  minInterval?: Duration | undefined;
}

/** One server as the pool uses it. */
export interface Target {
  /** `ws://<host>:<port>/rpc`: what it is known by. For a database inside this process, its address. */
  readonly url: string;
  /** More than 0. */
  readonly weight: number;
  readonly zone: string | undefined;
  /** 0 and up; a lower number goes first. */
  readonly priority: number;
  /** The host name behind an address that DNS gave: for the certificate, SNI and the `Host` of the request. */
  readonly servername?: string;
}

/** A host name to be looked up, with everything filled in. */
export interface DnsSource {
  readonly dns: string;
  readonly port: number;
  readonly tls: boolean;
  readonly family: 'any' | 4 | 6;
  readonly path: string;
}

/** The name of SRV records to be looked up, with everything filled in. */
export interface SrvSource {
  readonly srv: string;
  readonly tls: boolean;
  readonly path: string;
}

/** Where the servers come from: a list that stays, or one that is looked for again. */
export type EndpointSource = { readonly list: readonly Target[] } | DnsSource | SrvSource | DiscoverEndpoints;
