import { expect, test } from 'vitest';
import { families, poolNameAttribute } from '../../src/metrics/families.js';
import { type Family, labelName, prometheusName } from '../../src/metrics/family.js';
import type { PoolReading } from '../../src/metrics/reading.js';

const kinds = {
  gauge: 'gauge',
  upDownCounter: 'up-down counter',
  counter: 'counter',
  histogram: 'histogram',
} satisfies Record<Family['kind'], string>;

const units: Readonly<Record<string, string>> = { s: 'seconds', '': '–' };

/** Notes what is read of it, by path; every number in it is 1. */
function noting(path: string, read: Set<string>, groups: readonly string[] = []): object {
  return new Proxy(
    {},
    {
      get(_, name) {
        const own = `${path}.${String(name)}`;
        if (groups.includes(String(name))) return noting(own, read, groups);
        read.add(own);
        return 1;
      },
    },
  );
}

/** Where the values of a family come from: what it reads of a pool. */
function sourceOf(family: Family): string {
  const read = new Set<string>();
  const groups = ['messages', 'transactions', 'savepoints', 'closedBy', 'totals', 'refused'];
  const noted = (source: string, value: unknown) => ({
    enumerable: true,
    get() {
      read.add(source);
      return value;
    },
  });
  const reading = {
    stats: noting('poolStats()', read, groups),
    sessions: noting('sessions()', read, groups),
  };
  Object.defineProperties(reading, {
    health: noted('healthStatus().healthy', { healthy: true }),
    endpoints: { get: () => [noting('endpoints()[…]', read)] },
    tenants: noted('sessions().sessions', [{}]),
    buckets: {
      get: () =>
        Object.defineProperties(
          {},
          {
            waitTime: noted('poolStats().waitTime', {}),
            leaseTime: noted('poolStats().leaseTime', {}),
            openTime: noted('poolStats().openTime', {}),
          },
        ),
    },
    queries: noted('poolStats().queryTime', [{}]),
    oldestLease: noted('connections()', 1),
    idlestLease: noted('connections()', 1),
    acquireTimeout: noted('the option connectionTimeout', 1),
  });
  family.read(reading as unknown as PoolReading);
  const sources = [...read].filter((path) => path !== 'endpoints()[…].url');
  const [first = ''] = sources;
  const shown = sources.length > 2 && first.includes('.') ? [`${first.slice(0, first.lastIndexOf('.'))}`] : sources;
  return shown
    .map((source) => (source.startsWith('the option') ? 'the option `connectionTimeout`' : `\`${source}\``))
    .join(', ');
}

function rowOf(family: Family): string {
  const { name, unit, kind, attributes, help } = family;
  const own = attributes.map((attribute) => `\`${attribute}\``).join(', ') || '–';
  const cells = [`\`${name}\`<br>\`${prometheusName(family)}\``, kinds[kind], units[unit] ?? unit.replace(/[{}]/g, '')];
  return `| ${[...cells, own, sourceOf(family), help].join(' | ')} |`;
}

function table(of: readonly Family[]): string {
  return [
    '| name in OpenTelemetry, in Prometheus | kind | unit | attributes | source | meaning |',
    '|---|---|---|---|---|---|',
    ...of.map(rowOf),
  ].join('\n');
}

const page = `# Metrics

Both exporters show these metrics: [\`surreal-pool/otel\`](opentelemetry.md) under the first name, and
[\`surreal-pool/prometheus\`](prometheus.md) under the second, which is what OpenTelemetry's mapping makes of the first. So the
[dashboard and the alerts](grafana.md) work with either. Names that begin with \`db.\` are those of OpenTelemetry's semantic
conventions 1.45.

Every metric has the attribute \`${poolNameAttribute}\`, the name of the pool (in Prometheus \`${labelName(poolNameAttribute)}\`); a
second pool of that name in the same process is called \`app/main (2)\`. Attributes become labels likewise: dots become
underscores. Times are in seconds. An up-down counter is a gauge in Prometheus. No metric has a text of a query, a name of a
database or a name of a user. An exporter reads these numbers from the pool and counts nothing by itself, so they are those of
\`poolStats()\`; only the histograms of OpenTelemetry are counted apart, because its interface has to be told of each time.

| attribute | values |
|---|---|
| \`db.client.connection.state\` | \`idle\`, \`used\` (lent), \`opening\`, \`validating\`, \`resetting\` |
| \`db.operation.name\` | the first word of a query, such as \`SELECT\`; \`OTHER\` for what is no statement of SurrealQL |
| \`error.type\` | the name of the error with which a query failed, \`_OTHER\` for what has none; absent when it did not fail |
| \`surreal_pool.endpoint\` | the address of a server, without its query string |
| \`surreal_pool.outcome\` | of acquires: \`served\`, \`timed-out\`, \`aborted\`, \`failed\`, and refused as \`queue-full\`, \`shutdown\`, \`circuit-open\`, \`overload\`; of transactions: \`committed\`, \`rolled-back\`, \`conflict\`, \`lost\`, \`unknown\`, \`abandoned\`; of tokens: \`renewed\`, \`failed\`; else \`passed\`, \`failed\` |
| \`surreal_pool.reason\` | of closed connections: [the reasons of events](events.md#reasons); of savepoints: \`unsupported\`, \`limit\` |
| \`surreal_pool.limit\` | [a limit of an agent session](agents.md#limits) |
| \`surreal_pool.tenant\` | the id of an agent, or \`other\` |

## What is there now

${table(families.filter(({ kind, ofTenants }) => (kind === 'gauge' || kind === 'upDownCounter') && !ofTenants))}

## What happened since the pool was made

${table(families.filter(({ kind, ofTenants }) => kind === 'counter' && !ofTenants))}

## How long things took

The boundaries of the buckets are 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5 and 10 seconds. In Prometheus the times of
connections are made from finer buckets: a time up to 6 % below a boundary may be counted above it, never the other way.

${table(families.filter(({ kind }) => kind === 'histogram'))}

## Of agents

Off unless the option \`tenants\` says how many agents are shown by name, at most 1,000; the others are shown together as \`other\`. An agent gets
its name when a place is free, or when it was more than twice as busy as the least busy one that has a name, whose series then
ends. The counts of a series begin when the agent gets its name; what it did before stays with \`other\`. So no series falls, and
\`rate()\` over any of them is true.

${table(families.filter(({ ofTenants }) => ofTenants))}
`;

test('docs/metrics.md says what the catalogue says: `npx vitest run test/docs/metrics.test.ts -u` writes it anew', async () => {
  await expect(page).toMatchFileSnapshot('../../docs/metrics.md');
});
