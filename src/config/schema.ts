import * as v from 'valibot';
import type { Logger } from '../logger.js';
import { type Address, type Mode, readAddress } from './address.js';
import { type Closed, closed } from './closed-object.js';
import type { Endpoints, LoadBalancing, LoadBalancingName } from './endpoint-options.js';
import {
  endpointNames,
  loadBalancingSchema,
  type Place,
  placeOf,
  placeSchema,
  severalSchema,
} from './endpoint-schema.js';
import { credentialsPaths, credentialsSourceSchema } from './identity-schema.js';
import { paths } from './option-paths.js';
import type {
  ConnectionMode,
  DatabaseConfig,
  OnFirstUse,
  PoolCodecOptions,
  ResolvedConfig,
  RetireOn,
} from './options.js';
import { completed, type PoolConfigOfAny } from './pool-options.js';
import { poolConfigSchema, poolGroupPaths, poolOptionPaths } from './pool-schema.js';
import { describe, Refusal, readRecord } from './refusal.js';
import type { Same } from './same-type.js';
import { flag, text, value } from './values.js';

// Where the database lives.

function address(mode: Mode): v.GenericSchema<string, Address> {
  return value((given) => readAddress(given, mode));
}

const modesInWords =
  "{ type: 'in-memory' }, { type: 'embedded', path: 'rocksdb://…' }, { type: 'local', endpoint: 'ws://…' } " +
  "or { type: 'remote', endpoints: ['ws://…', 'ws://…'] }";

const modeEntries = {
  'in-memory': { type: v.literal('in-memory') },
  embedded: { type: v.literal('embedded'), path: address('embedded') },
  local: { type: v.literal('local'), endpoint: address('local') },
  remote: {
    type: v.literal('remote'),
    endpoints: severalSchema,
    loadBalancing: v.optional(loadBalancingSchema),
  },
};

type ModeOf<Type extends ConnectionMode['type']> = Extract<ConnectionMode, { type: Type }>;

const inMemorySchema: v.GenericSchema<ModeOf<'in-memory'>, Place> = v.pipe(
  closed(modeEntries['in-memory']),
  v.transform(() => placeOf({ mode: 'in-memory', url: 'mem://' })),
);
const embeddedSchema: v.GenericSchema<ModeOf<'embedded'>, Place> = v.pipe(
  closed(modeEntries.embedded),
  v.transform(({ path }) => placeOf(path)),
);
const localSchema: v.GenericSchema<ModeOf<'local'>, Place> = v.pipe(
  closed(modeEntries.local),
  v.transform(({ endpoint }) => placeOf(endpoint)),
);
const remoteSchema: v.GenericSchema<ModeOf<'remote'>, Place> = v.pipe(
  closed(modeEntries.remote),
  v.transform(({ endpoints, loadBalancing }) => ({ ...endpoints, loadBalancing })),
);
const unknownModeSchema: v.GenericSchema<ConnectionMode, Place> = value<ConnectionMode, Place>((given) => {
  const record = readRecord(given, modesInWords);
  if (record instanceof Refusal) return record;
  return new Refusal(
    modesInWords,
    Object.hasOwn(record, 'type') ? 'an object of another type' : 'an object without a type',
  );
});

const connectionModeSchema: v.GenericSchema<ConnectionMode, Place> = v.lazy(
  (given): v.GenericSchema<ConnectionMode, Place> => {
    const record = readRecord(given);
    switch ('type' in record ? record.type : undefined) {
      case 'in-memory':
        return inMemorySchema;
      case 'embedded':
        return embeddedSchema;
      case 'local':
        return localSchema;
      case 'remote':
        return remoteSchema;
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

/** What both forms have by the same names. */
export const commonNames: readonly string[] = Object.keys(commonEntries);

const databaseEntries = { connectionMode: connectionModeSchema, ...commonEntries };

/** The long form. */
export const databaseConfigSchema: v.GenericSchema<DatabaseConfig, ResolvedConfig> = v.pipe(
  closed(databaseEntries),
  v.transform(complete),
);

/**
 * The long form with addresses for its connection mode, and the strategy beside it: what the short form and the environment are
 * read into.
 */
export const urlConfigSchema: v.GenericSchema<
  Omit<DatabaseConfig, 'connectionMode'> & {
    connectionMode: string | Endpoints;
    loadBalancing?: LoadBalancingName | undefined;
  },
  ResolvedConfig
> = v.pipe(
  closed({ connectionMode: placeSchema, loadBalancing: v.optional(loadBalancingSchema), ...commonEntries }),
  v.transform(complete),
);

interface CheckedConfig
  extends Omit<ResolvedConfig, keyof Place | 'name' | 'pool' | 'logger' | 'onFirstUse' | 'retireOn'> {
  readonly connectionMode: Place;
  readonly loadBalancing?: LoadBalancing | undefined;
  readonly poolConfig: PoolConfigOfAny;
  readonly name?: string | undefined;
  readonly logger?: Logger | undefined;
  readonly onFirstUse?: OnFirstUse | undefined;
  readonly retireOn?: RetireOn | undefined;
}

function complete(checked: CheckedConfig): ResolvedConfig {
  const { connectionMode, poolConfig, logger, onFirstUse, retireOn, ...config } = checked;
  const { name = `${config.namespace}/${config.database}` } = checked;
  const loadBalancing = connectionMode.loadBalancing ?? checked.loadBalancing ?? 'round-robin';
  const pool = completed(poolConfig, connectionMode.mode === 'remote');
  return { ...config, ...connectionMode, loadBalancing, name, logger, onFirstUse, retireOn, pool };
}

/** The path of every option, in the long form: for suggestions, and for the environment. */
export const optionPaths: readonly string[] = [
  'connectionMode',
  ...commonNames,
  ...new Set(Object.values(modeEntries).flatMap((entries) => paths('connectionMode', entries))),
  // `path` is an option of an embedded database too, and in its place that one is meant.
  ...endpointNames.filter((name) => !(name in modeEntries.embedded)).map((name) => `connectionMode.endpoints.${name}`),
  ...credentialsPaths,
  ...paths('codecOptions', codecEntries),
  ...poolGroupPaths,
  ...poolOptionPaths,
];

// The hand-written types and the schema say the same; a difference does not compile.

true satisfies Same<v.InferInput<Closed<typeof codecEntries>>, PoolCodecOptions>;
true satisfies Same<v.InferInput<Closed<typeof databaseEntries>>, DatabaseConfig>;
