import type { SqlExportOptions } from 'surrealdb';
import * as v from 'valibot';
import type { Logger } from '../logger.js';
import { type Address, type Mode, readAddress } from './address.js';
import { type Closed, closed, ordered } from './closed-object.js';
import {
  type Batching,
  type BearerCredentials,
  type CircuitBreakerConfig,
  type ConnectionMode,
  type Credentials,
  type CredentialsProvider,
  type DatabaseConfig,
  defaultPoolConfig as defaults,
  type EmbeddedMode,
  type IdentityOptions,
  type InMemoryMode,
  type LocalMode,
  type NestedAcquirePolicy,
  type OnFirstUse,
  type PasswordCredentials,
  type PoolCodecOptions,
  type PoolConfig,
  type RecordCredentials,
  type RefreshCredentials,
  type ResolvedCircuitBreaker,
  type ResolvedConfig,
  type ResolvedPoolConfig,
  type ResolvedRetryPolicy,
  type RetireOn,
  type RetryPolicy,
  type TokenCredentials,
} from './options.js';
import { describe, Refusal, readRecord } from './refusal.js';
import { choice, count, countOr, deadline, duration, durationOr, factor, flag, text, value } from './values.js';

function address(mode?: Mode): v.GenericSchema<string, Address> {
  return value((given) => readAddress(given, mode));
}

// The pool's options. A default that would be above the caller's own upper bound gives way to it.

const retryEntries = {
  maxAttempts: v.optional(count(1), defaults.retryPolicy.maxAttempts),
  initialBackoff: v.optional(duration()),
  maxBackoff: v.optional(duration(), defaults.retryPolicy.maxBackoff),
  multiplier: v.optional(factor(), defaults.retryPolicy.multiplier),
  repeatReads: v.optional(flag(), defaults.retryPolicy.repeatReads),
};

const retryPolicySchema = v.pipe(
  closed(retryEntries),
  ordered('initialBackoff', 'maxBackoff', ' ms'),
  v.transform(
    (policy): ResolvedRetryPolicy => ({
      ...policy,
      initialBackoff: policy.initialBackoff ?? Math.min(defaults.retryPolicy.initialBackoff, policy.maxBackoff),
    }),
  ),
);

const breakerEntries = {
  failureThreshold: v.optional(countOr(0, '0 or null for off'), defaults.circuitBreaker.failureThreshold),
  probeInterval: v.optional(deadline()),
  idleProbeInterval: v.optional(deadline(), defaults.circuitBreaker.idleProbeInterval),
};

const circuitBreakerSchema = v.pipe(
  closed(breakerEntries),
  ordered('probeInterval', 'idleProbeInterval', ' ms'),
  v.transform(
    (breaker): ResolvedCircuitBreaker => ({
      ...breaker,
      probeInterval:
        breaker.probeInterval ?? Math.min(defaults.circuitBreaker.probeInterval, breaker.idleProbeInterval),
    }),
  ),
);

const poolEntries = {
  minConnections: v.optional(count(0)),
  maxConnections: v.optional(count(1), defaults.maxConnections),
  connectionTimeout: v.optional(durationOr('0 or null waits for ever'), defaults.connectionTimeout),
  openTimeout: v.optional(deadline(), defaults.openTimeout),
  probeTimeout: v.optional(deadline(), defaults.probeTimeout),
  resetTimeout: v.optional(deadline(), defaults.resetTimeout),
  closeTimeout: v.optional(deadline(), defaults.closeTimeout),
  queryTimeout: v.optional(durationOr('0 or null for none'), defaults.queryTimeout),
  idleTimeout: v.optional(durationOr('0 or null for never'), defaults.idleTimeout),
  maxLifetime: v.optional(durationOr('0 or null for never'), defaults.maxLifetime),
  recycleAfterUses: v.optional(countOr(0, '0 or null for never'), defaults.recycleAfterUses),
  validateOnCheckout: v.optional(flag(), defaults.validateOnCheckout),
  validationInterval: v.optional(duration(), defaults.validationInterval),
  livenessTimeout: v.optional(durationOr('0 or null for never'), defaults.livenessTimeout),
  shutdownGracePeriod: v.optional(duration(), defaults.shutdownGracePeriod),
  nestedAcquire: v.optional(choice<NestedAcquirePolicy>('ignore', 'warn', 'error'), defaults.nestedAcquire),
  leakDetectionThreshold: v.optional(durationOr('0 or null for off'), defaults.leakDetectionThreshold),
  idleLeaseThreshold: v.optional(durationOr('0 or null for off'), defaults.idleLeaseThreshold),
  healthCheckInterval: v.optional(durationOr('0 or null for off'), defaults.healthCheckInterval),
  identityCheckInterval: v.optional(durationOr('0 or null for off'), defaults.identityCheckInterval),
  unhealthyThreshold: v.optional(count(1), defaults.unhealthyThreshold),
  maxConnecting: v.optional(count(1), defaults.maxConnecting),
  maxWaiters: v.optional(countOr(defaults.maxWaiters, 'null for no limit'), null),
  warmConnections: v.optional(flag(), defaults.warmConnections),
  failFast: v.optional(flag(), defaults.failFast),
  sessionsPerTransport: v.optional(count(1, 255), defaults.sessionsPerTransport),
  pipelining: v.optional(count(0, 1_024), defaults.pipelining),
  batching: v.optional(choice<Batching>('off', 'waiting', 'always'), defaults.batching),
  requireScope: v.optional(flag(), defaults.requireScope),
  retryPolicy: v.optional(retryPolicySchema, {}),
  circuitBreaker: v.optional(circuitBreakerSchema, {}),
};

const poolConfigSchema = v.pipe(
  closed(poolEntries),
  ordered('minConnections', 'maxConnections'),
  v.transform(
    (pool): ResolvedPoolConfig => ({
      ...pool,
      minConnections: pool.minConnections ?? Math.min(defaults.minConnections, pool.maxConnections),
    }),
  ),
);

// Who signs in.

const credentialsInWords =
  '{ username, password }, { access, variables }, { access, key }, { token } or { access, refresh }';

function readToken(given: unknown): TokenCredentials['token'] | Refusal {
  if (typeof given === 'string' && given !== '') return given;
  const { access, refresh } = Object(given) as Record<string, unknown>;
  const isText = (part: unknown): part is string => typeof part === 'string' && part !== '';
  if (isText(access) && refresh === undefined) return { access };
  if (isText(access) && isText(refresh)) return { access, refresh };
  return new Refusal('a text that is not empty, or { access, refresh }', describe(given));
}

const levelEntries = { namespace: v.optional(text()), database: v.optional(text()) };
const passwordEntries = { username: text(), password: text(), ...levelEntries };
const recordEntries = {
  access: text(),
  variables: value<Readonly<Record<string, unknown>>>((given) => readRecord(given, 'an object of variables')),
  ...levelEntries,
};
const bearerEntries = { access: text(), key: text(), ...levelEntries };
const tokenEntries = { token: value<TokenCredentials['token']>(readToken) };
const refreshEntries = { access: text(), refresh: text() };

function databaseNeedsNamespace<Output extends { namespace?: string | undefined; database?: string | undefined }>() {
  return v.rawCheck<Output>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.database === undefined || dataset.value.namespace !== undefined) return;
    addIssue({
      expected: 'the namespace of the database',
      received: 'a database without it',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key: 'namespace', value: undefined }],
    });
  });
}

const passwordSchema: v.GenericSchema<PasswordCredentials> = v.pipe(
  closed(passwordEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const recordSchema: v.GenericSchema<RecordCredentials> = v.pipe(
  closed(recordEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const bearerSchema: v.GenericSchema<BearerCredentials> = v.pipe(
  closed(bearerEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const tokenSchema: v.GenericSchema<TokenCredentials> = closed(tokenEntries, credentialsInWords);
const refreshSchema: v.GenericSchema<RefreshCredentials> = closed(refreshEntries, credentialsInWords);

const mixedSchema: v.GenericSchema<Credentials> = value<Credentials>(
  () => new Refusal(`one of ${credentialsInWords}`, 'several kinds of credentials at once'),
);

const credentialKinds: readonly { names: readonly string[]; schema: v.GenericSchema<Credentials> }[] = [
  { names: ['username', 'password'], schema: passwordSchema },
  { names: ['variables'], schema: recordSchema },
  { names: ['key'], schema: bearerSchema },
  { names: ['token'], schema: tokenSchema },
  { names: ['refresh'], schema: refreshSchema },
];

/** Credentials as such, also those that a provider returned. */
export const credentialsSchema: v.GenericSchema<Credentials> = v.lazy((given): v.GenericSchema<Credentials> => {
  const record = readRecord(given);
  const kinds = credentialKinds.filter(({ names }) => names.some((name) => Object.hasOwn(record, name)));
  const hasAccess = Object.hasOwn(record, 'access');
  const kind = kinds[0]?.schema ?? (hasAccess ? recordSchema : passwordSchema);
  const isMixed = kinds.length > 1 || (hasAccess && (kind === passwordSchema || kind === tokenSchema));
  return isMixed ? mixedSchema : kind;
});

const providerSchema: v.GenericSchema<CredentialsProvider> = v.custom<CredentialsProvider>(() => true);

const credentialsSourceSchema: v.GenericSchema<Credentials | CredentialsProvider> = v.lazy(
  (given): v.GenericSchema<Credentials | CredentialsProvider> =>
    typeof given === 'function' ? providerSchema : credentialsSchema,
);

// The identity of one lease.

/** One that is there without a value is a tenant that was not found, and must not become nobody's. */
function readVariables(given: unknown): Readonly<Record<string, unknown>> | Refusal {
  const variables = readRecord(given, 'an object of variables');
  if (variables instanceof Refusal) return variables;
  const dollar = Object.keys(variables).find((name) => name.startsWith('$'));
  if (dollar !== undefined) return new Refusal('names without the dollar', `the name "${dollar}"`);
  const empty = Object.keys(given as object).find((name) => !Object.hasOwn(variables, name));
  return empty === undefined
    ? variables
    : new Refusal('a value for each variable, or to leave it out', `nothing for "${empty}"`);
}

/** What an acquire may say of it. */
export const identitySchema: v.GenericSchema<IdentityOptions> = v.pipe(
  closed({
    namespace: v.exactOptional(text()),
    database: v.exactOptional(text()),
    credentials: v.exactOptional(v.nullable(credentialsSourceSchema)),
    credentialsKey: v.exactOptional(text()),
    variables: v.exactOptional(value<Readonly<Record<string, unknown>>>((given) => readVariables(given))),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { namespace, database } = dataset.value;
    if ((namespace === undefined) === (database === undefined)) return;
    const key = namespace === undefined ? 'namespace' : 'database';
    addIssue({
      expected: 'both a namespace and a database, or neither',
      received: 'one without the other',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key, value: undefined }],
    });
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { credentials, credentialsKey: value } = dataset.value;
    if (value === undefined || typeof credentials === 'function') return;
    addIssue({
      expected: 'a key only beside a function as credentials: others are the same identity when they are equal',
      received: 'a key without a function',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key: 'credentialsKey', value }],
    });
  }),
);

// What an export holds.

const part = v.exactOptional(flag());
const tableNames: v.GenericSchema<boolean | string[]> = value((given) => {
  if (typeof given === 'boolean') return given;
  const isNames = Array.isArray(given) && given.every((name) => typeof name === 'string' && name !== '');
  return isNames ? [...given] : new Refusal('true, false or a list of names', describe(given));
});

const exportEntries = {
  ...{ users: part, accesses: part, params: part, functions: part, analyzers: part, apis: part, buckets: part },
  ...{ modules: part, configs: part, records: part, sequences: part, versions: part, v3: part },
  tables: v.exactOptional(tableNames),
};

/** What an export may be asked for. What is left out is in it, but for `versions` and `v3`. */
export const exportSchema: v.GenericSchema<Partial<SqlExportOptions>> = closed(exportEntries);

export const exportNames: readonly string[] = Object.keys(exportEntries);

// Where the database lives.

const modesInWords =
  "{ type: 'in-memory' }, { type: 'embedded', path: 'rocksdb://…' } or { type: 'local', endpoint: 'ws://…' }";

const modeEntries = {
  'in-memory': { type: v.literal('in-memory') },
  embedded: { type: v.literal('embedded'), path: address('embedded') },
  local: { type: v.literal('local'), endpoint: address('local') },
};

const inMemorySchema: v.GenericSchema<InMemoryMode, Address> = v.pipe(
  closed(modeEntries['in-memory']),
  v.transform((): Address => ({ mode: 'in-memory', url: 'mem://' })),
);
const embeddedSchema: v.GenericSchema<EmbeddedMode, Address> = v.pipe(
  closed(modeEntries.embedded),
  v.transform(({ path }) => path),
);
const localSchema: v.GenericSchema<LocalMode, Address> = v.pipe(
  closed(modeEntries.local),
  v.transform(({ endpoint }) => endpoint),
);
const unknownModeSchema: v.GenericSchema<ConnectionMode, Address> = value<ConnectionMode, Address>((given) => {
  const record = readRecord(given, modesInWords);
  if (record instanceof Refusal) return record;
  return new Refusal(
    modesInWords,
    Object.hasOwn(record, 'type') ? 'an object of another type' : 'an object without a type',
  );
});

const connectionModeSchema: v.GenericSchema<ConnectionMode, Address> = v.lazy(
  (given): v.GenericSchema<ConnectionMode, Address> => {
    const record = readRecord(given);
    switch ('type' in record ? record.type : undefined) {
      case 'in-memory':
        return inMemorySchema;
      case 'embedded':
        return embeddedSchema;
      case 'local':
        return localSchema;
      default:
        return unknownModeSchema;
    }
  },
);

// Everything together.

const loggerSchema: v.GenericSchema<Logger> = value((given) => {
  return isLogger(given)
    ? given
    : new Refusal('an object with the methods debug, info, warn and error', describe(given));
});

function isLogger(given: unknown): given is Logger {
  if (typeof given !== 'object' || given === null) return false;
  try {
    return ['debug', 'info', 'warn', 'error'].every((level) => typeof Reflect.get(given, level) === 'function');
  } catch {
    return false;
  }
}

const onFirstUseSchema: v.GenericSchema<OnFirstUse> = value((given) =>
  typeof given === 'function' ? (given as OnFirstUse) : new Refusal('a function', describe(given)),
);

const retireOnSchema: v.GenericSchema<RetireOn> = value((given) =>
  typeof given === 'function' ? (given as RetireOn) : new Refusal('a function', describe(given)),
);

const codecEntries = { useNativeDates: v.optional(flag(), false) };

const codecOptionsSchema = closed(codecEntries);

const commonEntries = {
  credentials: v.optional(v.nullable(credentialsSourceSchema), null),
  namespace: text(),
  database: text(),
  poolConfig: v.optional(poolConfigSchema, {}),
  logger: v.optional(loggerSchema),
  onFirstUse: v.optional(onFirstUseSchema),
  retireOn: v.optional(retireOnSchema),
  codecOptions: v.optional(codecOptionsSchema, {}),
  name: v.optional(text()),
};

const databaseEntries = { connectionMode: connectionModeSchema, ...commonEntries };

/** The long form. */
export const databaseConfigSchema: v.GenericSchema<DatabaseConfig, ResolvedConfig> = v.pipe(
  closed(databaseEntries),
  v.transform(complete),
);

/** The long form with a URL for its connection mode: what the short form and the environment are read into. */
export const urlConfigSchema: v.GenericSchema<
  Omit<DatabaseConfig, 'connectionMode'> & { connectionMode: string },
  ResolvedConfig
> = v.pipe(closed({ connectionMode: address(), ...commonEntries }), v.transform(complete));

interface CheckedConfig
  extends Omit<ResolvedConfig, 'mode' | 'url' | 'name' | 'pool' | 'logger' | 'onFirstUse' | 'retireOn'> {
  readonly connectionMode: Address;
  readonly poolConfig: ResolvedPoolConfig;
  readonly name?: string | undefined;
  readonly logger?: Logger | undefined;
  readonly onFirstUse?: OnFirstUse | undefined;
  readonly retireOn?: RetireOn | undefined;
}

function complete(checked: CheckedConfig): ResolvedConfig {
  const { connectionMode, poolConfig, logger, onFirstUse, retireOn, ...config } = checked;
  const { name = `${config.namespace}/${config.database}` } = checked;
  return { ...config, ...connectionMode, name, logger, onFirstUse, retireOn, pool: poolConfig };
}

// The names of all options, for suggestions and for the environment.

function paths(parent: string, entries: object): readonly string[] {
  return Object.keys(entries).map((key) => `${parent}.${key}`);
}

/** Options that are objects of options. */
const groups = { 'poolConfig.retryPolicy': retryEntries, 'poolConfig.circuitBreaker': breakerEntries };

/** The path of every option of the pool that holds one value, in the long form: `poolConfig.idleTimeout`. */
export const poolOptionPaths: readonly string[] = paths('poolConfig', poolEntries).flatMap((path) =>
  Object.hasOwn(groups, path) ? paths(path, groups[path as keyof typeof groups]) : path,
);

/** The path of every option, in the long form. */
export const optionPaths: readonly string[] = [
  'connectionMode',
  ...Object.keys(commonEntries),
  ...new Set(Object.values(modeEntries).flatMap((entries) => paths('connectionMode', entries))),
  ...new Set(
    [passwordEntries, recordEntries, bearerEntries, tokenEntries, refreshEntries].flatMap((entries) =>
      paths('credentials', entries),
    ),
  ),
  ...paths('codecOptions', codecEntries),
  ...Object.keys(groups),
  ...poolOptionPaths,
];

// The hand-written types and the schema say the same; a difference does not compile.

type Same<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false;

true satisfies Same<v.InferInput<typeof poolConfigSchema>, PoolConfig>;
true satisfies Same<v.InferOutput<typeof poolConfigSchema>, ResolvedPoolConfig>;
true satisfies Same<v.InferInput<Closed<typeof codecEntries>>, PoolCodecOptions>;
true satisfies Same<v.InferInput<typeof retryPolicySchema>, RetryPolicy>;
true satisfies Same<v.InferInput<typeof circuitBreakerSchema>, CircuitBreakerConfig>;
true satisfies Same<v.InferOutput<typeof retryPolicySchema>, ResolvedRetryPolicy>;
true satisfies Same<v.InferInput<Closed<typeof databaseEntries>>, DatabaseConfig>;
true satisfies Same<v.InferInput<Closed<typeof passwordEntries>>, PasswordCredentials>;
true satisfies Same<v.InferInput<Closed<typeof recordEntries>>, RecordCredentials>;
true satisfies Same<v.InferInput<Closed<typeof bearerEntries>>, BearerCredentials>;
true satisfies Same<v.InferInput<Closed<typeof tokenEntries>>, TokenCredentials>;
true satisfies Same<v.InferInput<Closed<typeof refreshEntries>>, RefreshCredentials>;
true satisfies Same<v.InferInput<Closed<(typeof modeEntries)['in-memory']>>, InMemoryMode>;
true satisfies Same<v.InferInput<Closed<typeof modeEntries.embedded>>, EmbeddedMode>;
true satisfies Same<v.InferInput<Closed<typeof modeEntries.local>>, LocalMode>;
