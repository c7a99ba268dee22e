import type { Attributes, HistogramFamily, HistogramSample, NumberFamily, Sample } from './family.js';
import type { PoolReading } from './reading.js';
import type { TenantFigures } from './tenants.js';

// The shapes that the metrics of the catalogue have.

/** The address of a server. */
const endpointOf = 'surreal_pool.endpoint';
/** The id of an agent, or `other`. */
const tenantOf = 'surreal_pool.tenant';

type Kind = NumberFamily['kind'];

/** A metric with one number. */
export function one(
  kind: Kind,
  name: string,
  unit: string,
  help: string,
  read: (reading: PoolReading) => number,
): NumberFamily {
  return {
    kind,
    name,
    unit,
    help,
    attributes: [],
    ofTenants: false,
    read: (reading) => [{ attributes: {}, value: read(reading) }],
  };
}

/** A metric with one number for each value of an attribute. */
export function each(
  kind: Kind,
  name: string,
  unit: string,
  help: string,
  attribute: string,
  read: (reading: PoolReading) => Readonly<Record<string, number>>,
): NumberFamily {
  return {
    ...{ kind, name, unit, help, attributes: [attribute], ofTenants: false },
    read: (reading) =>
      Object.entries(read(reading)).map(([word, value]) => ({ attributes: { [attribute]: word }, value })),
  };
}

/** A metric with numbers for each server. */
export function ofEndpoints(
  kind: Kind,
  name: string,
  unit: string,
  help: string,
  attribute: string | undefined,
  read: (endpoint: PoolReading['endpoints'][number]) => Readonly<Record<string, number | undefined>>,
): NumberFamily {
  return {
    ...{ kind, name, unit, help, ofTenants: false },
    attributes: attribute === undefined ? [endpointOf] : [endpointOf, attribute],
    read: ({ endpoints }) =>
      endpoints.flatMap((endpoint) =>
        Object.entries(read(endpoint)).flatMap(([word, value]): Sample[] => {
          if (value === undefined) return [];
          const attributes: Attributes = {
            [endpointOf]: endpoint.url,
            ...(attribute !== undefined && { [attribute]: word }),
          };
          return [{ attributes, value }];
        }),
      ),
  };
}

/** A metric with one number for each agent that is shown. */
export function ofTenants(
  kind: Kind,
  name: string,
  unit: string,
  help: string,
  read: (tenant: TenantFigures) => number,
): NumberFamily {
  return {
    ...{ kind, name, unit, help, attributes: [tenantOf], ofTenants: true },
    read: ({ tenants }) =>
      tenants.map((tenant) => ({ attributes: { [tenantOf]: tenant.tenant }, value: read(tenant) })),
  };
}

/** A metric of durations. */
export function durations(
  name: string,
  help: string,
  attributes: readonly string[],
  read: (reading: PoolReading) => readonly HistogramSample[],
): HistogramFamily {
  return { kind: 'histogram', name, unit: 's', help, attributes, ofTenants: false, read };
}

/** 1 for the word that holds now, 0 for the others: so a query can ask for one of them. */
export function flags<Word extends string>(words: readonly Word[], present: NoInfer<Word>): Record<string, number> {
  return Object.fromEntries(words.map((word) => [word, word === present ? 1 : 0]));
}
