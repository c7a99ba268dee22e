import { asItIs, ClosedOptions, type OptionReaders } from '../config/closed-options.js';
import type { Duration } from '../config/duration.js';
import { asDuration, asFlag, asSignal, oneOf } from '../config/option-readers.js';
import type { Bounds } from '../pool/sizing.js';
import { transactionReaders, type WithTransactionOptions } from '../transactions/transaction-options.js';
import type { AcquireOptions, CallRetryOptions } from './acquire-options.js';

/** Names that callers often write instead of those of the pool. */
const hints: ReadonlyMap<string, string> = new Map([
  ['db', 'database (did you mean that?)'],
  ['ns', 'namespace (did you mean that?)'],
  ['vars', 'variables (did you mean that?)'],
  ['user', 'credentials: { username, password } (did you mean that?)'],
  ['username', 'credentials: { username, password } (did you mean that?)'],
  ['password', 'credentials: { username, password } (did you mean that?)'],
  ['token', 'credentials: { token } (did you mean that?)'],
  ['auth', 'credentials (did you mean that?)'],
]);

/** User, database and variables are read together: see `resolveIdentity`. */
const acquireReaders: OptionReaders<AcquireOptions> = {
  namespace: asItIs,
  database: asItIs,
  credentials: asItIs,
  credentialsKey: asItIs,
  variables: asItIs,
  signal: asSignal,
  timeout: asDuration,
  queryTimeout: asDuration,
  maxHold: asDuration,
  whileIdle: oneOf('report', 'release'),
  idleAfter: asDuration,
};

export const acquireOptions: ClosedOptions<AcquireOptions> = new ClosedOptions<AcquireOptions>(
  'The options of acquire() and withConnection()',
  acquireReaders,
  hints,
);

export const callOptions: ClosedOptions<AcquireOptions & CallRetryOptions> = new ClosedOptions<
  AcquireOptions & CallRetryOptions
>('The options of scope() and executeWithRetry()', { ...acquireReaders, idempotent: asFlag }, hints);

export const poolTransactionOptions: ClosedOptions<AcquireOptions & WithTransactionOptions> = new ClosedOptions<
  AcquireOptions & WithTransactionOptions
>('The options of withTransaction()', { ...acquireReaders, ...transactionReaders }, hints);

/** The options of an acquire without any. */
export const noOptions: AcquireOptions = Object.freeze(acquireOptions.read({}));

export const boundsOptions: ClosedOptions<Bounds> = new ClosedOptions<Bounds>('The options of resize()', {
  minConnections: asItIs,
  maxConnections: asItIs,
});

interface ShutdownOptions {
  gracePeriod?: Duration | undefined;
}

export const shutdownOptions: ClosedOptions<ShutdownOptions> = new ClosedOptions<ShutdownOptions>(
  'The options of shutdown()',
  { gracePeriod: asDuration },
);

interface RemovalOptions {
  drain?: Duration | undefined;
}

export const removalOptions: ClosedOptions<RemovalOptions> = new ClosedOptions<RemovalOptions>(
  'The options of removeEndpoint()',
  { drain: asDuration },
);
