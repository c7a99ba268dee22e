import * as v from 'valibot';
import { type Closed, closed, ordered } from './closed-object.js';
import type { BalancingConfig, DiscoveryConfig, StoreCheck } from './endpoint-options.js';
import type {
  Batching,
  CircuitBreakerConfig,
  LoadSheddingConfig,
  NestedAcquirePolicy,
  PoolConfig,
  PoolConfigOfAny,
  Resolved,
  RetryPolicy,
} from './pool-options.js';
import { Refusal, show } from './refusal.js';
import type { Same } from './same-type.js';
import { choice, count, countOr, deadline, duration, durationOr, factor, flag, from, value } from './values.js';

// What each option takes, and what it is when it is left out. A default that would be above the caller's own upper bound
// gives way to it.

const retryEntries = {
  maxAttempts: v.optional(count(1), 3),
  initialBackoff: v.optional(duration()),
  maxBackoff: v.optional(duration(), '5s'),
  multiplier: v.optional(factor(), 1.5),
  repeatReads: v.optional(flag(), true),
};

const retryPolicySchema = v.pipe(
  closed(retryEntries),
  ordered('initialBackoff', 'maxBackoff', ' ms'),
  v.transform(
    (policy): Resolved<RetryPolicy> => ({
      ...policy,
      initialBackoff: policy.initialBackoff ?? Math.min(50, policy.maxBackoff),
    }),
  ),
);

const breakerEntries = {
  failureThreshold: v.optional(countOr(0, '0 or null for off'), 5),
  probeInterval: v.optional(deadline()),
  idleProbeInterval: v.optional(deadline(), '4s'),
};

const circuitBreakerSchema = v.pipe(
  closed(breakerEntries),
  ordered('probeInterval', 'idleProbeInterval', ' ms'),
  v.transform(
    (breaker): Resolved<CircuitBreakerConfig> => ({
      ...breaker,
      probeInterval: breaker.probeInterval ?? Math.min(1_000, breaker.idleProbeInterval),
    }),
  ),
);

const sheddingEntries = {
  target: v.optional(durationOr('0 or null for off'), 0),
  interval: v.optional(deadline(), '2s'),
};

const loadSheddingSchema = closed(sheddingEntries);

/** A zone is no secret, so that what was given can be shown. */
const zoneOr: v.GenericSchema<string | null> = value((given) => {
  if (given === null || (typeof given === 'string' && given !== '')) return given;
  return new Refusal('the name of a zone, or null for none', show(given));
});

const balancingEntries = {
  zone: v.optional(zoneOr, null),
  spillOver: v.optional(from(0, 1), 0.7),
  slowStart: v.optional(durationOr('0 or null for none'), '30s'),
  panicBelow: v.optional(from(0, 1), 0.5),
  rebalanceInterval: v.optional(durationOr('0 or null for never'), '5s'),
  tolerance: v.optional(from(0, 1), 0.2),
  storeCheck: v.optional(choice<StoreCheck>('auto', 'required', 'off'), 'auto'),
};

const balancingSchema = closed(balancingEntries);

const discoveryEntries = {
  refresh: v.optional(durationOr('0 or null for only after a loss'), '60s'),
  minInterval: v.optional(deadline()),
};

const longestMinInterval = 30_000;

const discoverySchema = v.pipe(
  closed(discoveryEntries),
  // With a refresh of 0 there is none to be faster than.
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { refresh, minInterval } = dataset.value;
    if (minInterval === undefined || refresh === 0 || minInterval <= refresh) return;
    addIssue({
      expected: `at most refresh, which is ${refresh} ms`,
      received: `${minInterval} ms`,
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: 'minInterval', value: minInterval }],
    });
  }),
  v.transform(
    (discovery): Resolved<DiscoveryConfig> => ({
      ...discovery,
      minInterval: discovery.minInterval ?? Math.min(longestMinInterval, discovery.refresh || longestMinInterval),
    }),
  ),
);

const poolEntries = {
  minConnections: v.optional(count(0)),
  maxConnections: v.optional(count(1), 20),
  connectionTimeout: v.optional(durationOr('0 or null waits for ever'), '10s'),
  openTimeout: v.optional(deadline(), '5s'),
  probeTimeout: v.optional(deadline(), '2s'),
  resetTimeout: v.optional(deadline(), '2s'),
  closeTimeout: v.optional(deadline(), '2s'),
  queryTimeout: v.optional(durationOr('0 or null for none'), 0),
  idleTimeout: v.optional(durationOr('0 or null for never'), '5m'),
  maxLifetime: v.optional(durationOr('0 or null for never'), '30m'),
  recycleAfterUses: v.optional(countOr(0, '0 or null for never'), 10_000),
  validateOnCheckout: v.optional(flag(), true),
  validationInterval: v.optional(duration(), '500ms'),
  livenessTimeout: v.optional(durationOr('0 or null for never')),
  shutdownGracePeriod: v.optional(duration(), '30s'),
  nestedAcquire: v.optional(choice<NestedAcquirePolicy>('ignore', 'warn', 'error'), 'ignore'),
  leakDetectionThreshold: v.optional(durationOr('0 or null for off'), 0),
  idleLeaseThreshold: v.optional(durationOr('0 or null for off'), 0),
  healthCheckInterval: v.optional(durationOr('0 or null for off'), '30s'),
  identityCheckInterval: v.optional(durationOr('0 or null for off'), '1m'),
  unhealthyThreshold: v.optional(count(1), 3),
  maxConnecting: v.optional(count(1), 2),
  maxWaiters: v.optional(countOr(Number.POSITIVE_INFINITY, 'null for no limit'), null),
  loadShedding: v.optional(loadSheddingSchema, {}),
  warmConnections: v.optional(flag(), true),
  failFast: v.optional(flag(), true),
  sessionsPerTransport: v.optional(count(1, 255), 1),
  pipelining: v.optional(count(0, 1_024), 0),
  batching: v.optional(choice<Batching>('off', 'waiting', 'always'), 'always'),
  requireScope: v.optional(flag(), false),
  retryPolicy: v.optional(retryPolicySchema, {}),
  circuitBreaker: v.optional(circuitBreakerSchema, {}),
  balancing: v.optional(balancingSchema, {}),
  discovery: v.optional(discoverySchema, {}),
};

export const poolConfigSchema: v.GenericSchema<PoolConfig, PoolConfigOfAny> = v.pipe(
  closed(poolEntries),
  ordered('minConnections', 'maxConnections'),
  v.transform(
    (pool): PoolConfigOfAny => ({
      ...pool,
      livenessTimeout: pool.livenessTimeout,
      minConnections: pool.minConnections ?? Math.min(5, pool.maxConnections),
    }),
  ),
);

/** Options that are objects of options. */
const groups = {
  'poolConfig.loadShedding': sheddingEntries,
  'poolConfig.retryPolicy': retryEntries,
  'poolConfig.circuitBreaker': breakerEntries,
  'poolConfig.balancing': balancingEntries,
  'poolConfig.discovery': discoveryEntries,
};

export const poolGroupPaths: readonly string[] = Object.keys(groups);

/** Every option of the pool that holds one value, by its path in the long form: `poolConfig.idleTimeout`. */
const poolOptions: ReadonlyMap<string, v.GenericSchema> = new Map(
  [
    ...Object.entries(poolEntries).map(([name, schema]) => [`poolConfig.${name}`, schema] as const),
    ...Object.entries(groups).flatMap(([group, entries]) =>
      Object.entries(entries).map(([name, schema]) => [`${group}.${name}`, schema] as const),
    ),
  ].filter(([path]) => !poolGroupPaths.includes(path)),
);

export const poolOptionPaths: readonly string[] = [...poolOptions.keys()];

/** Whether the option of that path is a length of time, and not a number of something. */
export function isDuration(path: string): boolean {
  const schema = poolOptions.get(path);
  return schema !== undefined && v.is(schema, '1s');
}

// The hand-written types and the schema say the same; a difference does not compile.

true satisfies Same<v.InferInput<Closed<typeof poolEntries>>, PoolConfig>;
true satisfies Same<v.InferInput<typeof retryPolicySchema>, RetryPolicy>;
true satisfies Same<v.InferInput<typeof loadSheddingSchema>, LoadSheddingConfig>;
true satisfies Same<v.InferInput<typeof circuitBreakerSchema>, CircuitBreakerConfig>;
true satisfies Same<v.InferInput<typeof balancingSchema>, BalancingConfig>;
true satisfies Same<v.InferInput<typeof discoverySchema>, DiscoveryConfig>;
