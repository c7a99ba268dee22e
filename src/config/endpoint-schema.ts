import * as v from 'valibot';
import { type Address, type Mode, readAddress, readServer, serverOf } from './address.js';
import { type Closed, closed } from './closed-object.js';
import {
  type DiscoverEndpoints,
  type DnsEndpoints,
  type DnsSource,
  type EndpointList,
  type EndpointOptions,
  type EndpointSource,
  type Endpoints,
  type LoadBalancing,
  type LoadBalancingName,
  LoadBalancingStrategy,
  type SrvEndpoints,
  type SrvSource,
  type Target,
} from './endpoint-options.js';
import { describe, Refusal, readRecord, show } from './refusal.js';
import type { Same } from './same-type.js';
import { choice, count, flag, from, text, value } from './values.js';

/** Where the database of a configuration lives. */
export interface Place {
  /** `remote`: several servers, or as many as will be found. */
  readonly mode: Mode | 'remote';
  /** The address, or the first of several; where they are looked for, what for: `dns://surreal.internal:8000`. */
  readonly url: string;
  readonly endpoints: EndpointSource;
  readonly loadBalancing?: LoadBalancing | undefined;
}

/** A database at one address. */
export function placeOf({ mode, url }: Address): Place {
  return { mode, url, endpoints: { list: [targetOf(url)] } };
}

function targetOf(url: string): Target {
  return { url, weight: 1, zone: undefined, priority: 0 };
}

const serverEntries = {
  url: value<string>(readServer),
  weight: v.optional(from(0.001, 65_535), 1),
  zone: v.optional(text()),
  priority: v.optional(count(0, 65_535), 0),
};

const serverSchema: v.GenericSchema<EndpointOptions, Target> = v.pipe(
  closed(serverEntries),
  v.transform(({ url, weight, zone, priority }): Target => ({ url, weight, zone, priority })),
);

const serverAddressSchema: v.GenericSchema<string, Target> = v.pipe(value<string>(readServer), v.transform(targetOf));

export const listItemSchema: v.GenericSchema<string | EndpointOptions, Target> = v.lazy(
  (given): v.GenericSchema<string | EndpointOptions, Target> =>
    typeof given === 'object' && given !== null ? serverSchema : serverAddressSchema,
);

/** More than any cluster has; a list of a million would hold up the process that reads it. */
const mostEndpoints = 1_000;

const listInWords = "a list of addresses and of { url, weight, zone, priority }, such as ['ws://<host>:<port>']";

function readList(given: unknown): unknown[] | Refusal {
  try {
    if (!Array.isArray(given)) return new Refusal(listInWords, describe(given));
    const { length } = given;
    if (length === 0) return new Refusal('at least one endpoint', 'an empty list');
    if (length > mostEndpoints) {
      return new Refusal(`at most ${mostEndpoints} endpoints`, `a list of ${length}`);
    }
    return Array.from({ length }, (_, index): unknown => given[index]);
  } catch {
    return new Refusal(listInWords, 'a list that cannot be read');
  }
}

/** A list of servers, of which no two are the same. */
export const listSchema: v.GenericSchema<readonly (string | EndpointOptions)[], readonly Target[]> = v.pipe(
  value<readonly (string | EndpointOptions)[], unknown[]>(readList),
  v.array(listItemSchema),
  v.rawCheck<Target[]>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const first = new Map<string, number>();
    for (const [key, target] of input.entries()) {
      const server = serverOf(target.url);
      const other = first.get(server);
      if (other === undefined) {
        first.set(server, key);
        continue;
      }
      addIssue({
        expected: 'each server once; one that is to get more has a weight',
        received: `the same server as item ${other} of the list`,
        path: [{ type: 'array', origin: 'value', input, key, value: target }],
      });
    }
  }),
);

const hostName =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

/** A name of DNS. What was given is never shown: it may be an address with a password. */
function name(example: string): v.GenericSchema<string> {
  return value((given) => {
    if (typeof given === 'string' && hostName.test(given)) return given;
    return new Refusal(`a name alone, without scheme, port and path, such as "${example}"`, describe(given));
  });
}

const pathSchema: v.GenericSchema<string> = value((given) => {
  const path = typeof given === 'string' && /^\/[^?#\s]*$/.test(given);
  return path ? given : new Refusal('a path that begins with "/", without "?" and "#"', describe(given));
});

const dnsEntries = {
  dns: name('surreal.internal'),
  port: count(1, 65_535),
  tls: v.optional(flag(), false),
  family: v.optional(choice<'any' | 4 | 6>('any', 4, 6), 'any'),
  path: v.optional(pathSchema, '/rpc'),
};

const dnsSchema: v.GenericSchema<DnsEndpoints, DnsSource> = closed(dnsEntries);

const srvEntries = {
  srv: name('_surreal._tcp.internal'),
  tls: v.optional(flag(), false),
  path: v.optional(pathSchema, '/rpc'),
};

const srvSchema: v.GenericSchema<SrvEndpoints, SrvSource> = closed(srvEntries);

const discoverEntries = {
  discover: value<DiscoverEndpoints['discover']>((given) =>
    typeof given === 'function'
      ? (given as DiscoverEndpoints['discover'])
      : new Refusal('a function that returns a list of servers', describe(given)),
  ),
};

const discoverSchema: v.GenericSchema<DiscoverEndpoints> = closed(discoverEntries);

/** A name or a function, under which servers are looked for. */
type Sought = DnsEndpoints | SrvEndpoints | DiscoverEndpoints;

/** The schema of each way to look for servers, by the option that chooses it. */
const soughtSchemas: Readonly<Record<string, v.GenericSchema<Sought, EndpointSource>>> = {
  dns: dnsSchema,
  srv: srvSchema,
  discover: discoverSchema,
};

const severalInWords = `${listInWords}; { dns, port }, { srv } or { discover } to look for them`;

const noneSchema: v.GenericSchema<Sought, EndpointSource> = value<Sought, EndpointSource>((given) => {
  const record = readRecord(given, severalInWords);
  return record instanceof Refusal ? record : new Refusal(severalInWords, 'an object without dns, srv or discover');
});

/** Servers in any way but by one address. */
export const severalSchema: v.GenericSchema<Endpoints, Place> = v.lazy((place): v.GenericSchema<Endpoints, Place> => {
  if (isList(place)) return v.pipe(listSchema, v.transform(listed));
  const record = readRecord(place);
  const given = record instanceof Refusal ? [] : Object.keys(record);
  const way = given.find((option) => Object.hasOwn(soughtSchemas, option)) ?? '';
  return v.pipe(soughtSchemas[way] ?? noneSchema, v.transform(sought));
});

function listed(list: readonly Target[]): Place {
  const [first] = list;
  // The schema refuses an empty list.
  const url = first?.url ?? '';
  return { mode: 'remote', url, endpoints: { list } };
}

function sought(endpoints: EndpointSource): Place {
  return { mode: 'remote', url: nameOfSource(endpoints), endpoints };
}

/** A source in one line, in the way of an address. */
export function nameOfSource(source: EndpointSource): string {
  if ('dns' in source) return `dns://${source.dns}:${source.port}`;
  if ('srv' in source) return `srv://${source.srv}`;
  if ('discover' in source) return 'discover://function';
  return source.list.map(({ url }) => url).join(', ');
}

function isList(given: unknown): boolean {
  try {
    return Array.isArray(given);
  } catch {
    // A revoked proxy.
    return false;
  }
}

const anyAddressSchema: v.GenericSchema<string, Place> = v.pipe(
  value<string, Address>((given) => readAddress(given)),
  v.transform(placeOf),
);

/** Stands in for the only item of a list. */
const onlyItemSchema = v.pipe(
  value<unknown, unknown>((given) => {
    const items = readList(given);
    return items instanceof Refusal ? items : items[0];
  }),
  anyAddressSchema as v.GenericSchema<unknown, Place>,
) as v.GenericSchema<EndpointList, Place>;

/**
 * The first argument of `createPool()`: an address of any kind, or several servers. A list of one server may grow; one of an embedded
 * database is that database.
 */
export const placeSchema: v.GenericSchema<EndpointList, Place> = v.lazy(
  (given): v.GenericSchema<EndpointList, Place> => {
    if (isList(given)) {
      const items = readList(given);
      const isOne = !(items instanceof Refusal) && items.length === 1 && isEmbedded(items[0]);
      return isOne ? onlyItemSchema : severalSchema;
    }
    const isObject = typeof given === 'object' && given !== null;
    return isObject ? severalSchema : anyAddressSchema;
  },
);

function isEmbedded(address: unknown): boolean {
  return typeof address === 'string' && !/^wss?:/i.test(address);
}

/** Each name of a strategy with the strategy. */
const strategies: ReadonlyMap<string, LoadBalancing> = new Map<string, LoadBalancing>([
  ...Object.values(LoadBalancingStrategy).map((strategy) => [strategy, strategy] as const),
  ...Object.entries(LoadBalancingStrategy),
]);

export const loadBalancingSchema: v.GenericSchema<LoadBalancingName, LoadBalancing> = value((given) => {
  const words = [...new Set(Object.values(LoadBalancingStrategy))].map((word) => `"${word}"`).join(', ');
  return (typeof given === 'string' ? strategies.get(given) : undefined) ?? new Refusal(words, show(given));
});

/** The names below the option that says which servers there are. */
export const endpointNames: readonly string[] = [
  ...new Set([serverEntries, dnsEntries, srvEntries, discoverEntries].flatMap((entries) => Object.keys(entries))),
];

// The hand-written types and the schema say the same; a difference does not compile.

true satisfies Same<v.InferInput<Closed<typeof serverEntries>>, EndpointOptions>;
true satisfies Same<v.InferInput<Closed<typeof dnsEntries>>, DnsEndpoints>;
true satisfies Same<v.InferInput<Closed<typeof srvEntries>>, SrvEndpoints>;
true satisfies Same<v.InferInput<Closed<typeof discoverEntries>>, DiscoverEndpoints>;
