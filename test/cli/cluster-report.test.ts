import { describe, expect, test } from 'vitest';
import { Calls } from '../../src/cli/cluster/calls.js';
import { Ledger } from '../../src/cli/cluster/ledger.js';
import { settings } from '../../src/cli/cluster/plan.js';
import { clusterReport, type Observed } from '../../src/cli/cluster/report.js';
import { clusterText } from '../../src/cli/cluster/text.js';
import { plain } from '../../src/cli/output.js';
import { ConnectionLostError } from '../../src/errors/call.js';

const none = { made: 0, missing: 0, twice: 0, notMade: 0, madeNevertheless: 0, unknown: 0, unknownMade: 0, torn: 0 };

describe('the account of writes', () => {
  test.each([
    ['made', 1, 1, { made: 1 }],
    ['made', 1, 0, { made: 1, missing: 1 }],
    ['made', 2, 1, { made: 1, missing: 1, torn: 1 }],
    ['made', 1, 2, { made: 1, twice: 1 }],
    ['not made', 1, 0, { notMade: 1 }],
    ['not made', 1, 1, { notMade: 1, madeNevertheless: 1 }],
    ['unknown', 2, 0, { unknown: 1 }],
    ['unknown', 2, 2, { unknown: 1, unknownMade: 1 }],
    ['unknown', 2, 1, { unknown: 1, torn: 1 }],
    ['unknown', 1, 2, { unknown: 1, unknownMade: 1, twice: 1 }],
  ] as const)('has one that is %s, of %i rows, of which %i are stored', (verdict, rows, stored, found) => {
    const ledger = new Ledger();
    const key = ledger.begin(rows);
    ledger.end(key, verdict);
    expect(ledger.check(new Map(stored === 0 ? [] : [[key, stored]]))).toEqual({ ...none, ...found });
  });

  test('has one that never ended as unknown', () => {
    const ledger = new Ledger();
    ledger.begin(1);
    expect(ledger.check(new Map())).toEqual({ ...none, unknown: 1 });
  });
});

function lost(): Error {
  return new ConnectionLostError('the connection to ws://a was lost', { outcome: 'unknown' });
}

/** Two quiet calls, then one that waits for long and one that fails, then two quiet ones. */
function someCalls(): Calls {
  const calls = new Calls();
  calls.enter('all well', false, 0);
  calls.ended(5, 100, undefined);
  calls.ended(10, 200, undefined);
  calls.enter('server 1 killed', false, 1_000);
  calls.ended(3, 1_003, lost());
  calls.ended(300, 1_400, undefined);
  calls.ended(60, 1_900, undefined);
  calls.shared(1_500);
  calls.enter('server 1 back', true, 2_000);
  calls.ended(5, 2_100, undefined);
  calls.shared(2_300);
  calls.shared(2_800);
  calls.leave(3_000);
  return calls;
}

describe('what callers noticed', () => {
  test('is what failed, and what took much longer than any call while all was well', () => {
    expect(someCalls().figures).toMatchObject([
      { title: 'all well', lasted: 1_000, calls: 2, failed: 0, noticed: 0, noticedUntil: 0 },
      { title: 'server 1 killed', lasted: 1_000, calls: 3, failed: 1, noticed: 2, noticedUntil: 400, longest: 300 },
      { title: 'server 1 back', lasted: 1_000, calls: 1, failed: 0, noticed: 0, noticedUntil: 0 },
    ]);
  });

  test('counts errors with what became of the call', () => {
    expect([...someCalls().errors.keys()]).toEqual(['ERR_POOL_CONNECTION_LOST, unknown']);
  });

  test('has the first moment at which a server that came back had its share', () => {
    expect(someCalls().figures.map(({ sharedAfter }) => sharedAfter)).toEqual([null, null, 300]);
  });
});

const well = { queries: 50, connections: 4, state: 'well' } as const;

function observed(changes: Partial<Observed> = {}): Observed {
  const calls = someCalls();
  return {
    versions: { package: '0.1.0', node: '22.0.0', sdk: '2.0.8', engine: '3.0.3', server: '3.0.2' },
    servers: 3,
    maxConnections: 12,
    rate: 200,
    workers: null,
    settings,
    interrupted: null,
    parts: calls.figures,
    errors: Object.fromEntries(calls.errors),
    samples: [500, 1_000, 1_500, 2_000, 2_500, 3_000].map((at) => ({ at, servers: [well, well, well] })),
    store: { ...none, made: 1_234, unknown: 2, unknownMade: 1 },
    ...changes,
  };
}

describe('the report', () => {
  test('says that all held', () => {
    const report = clusterReport(observed());
    expect(report).toMatchObject({ calls: 6, failed: 1 });
    expect(report.expectations.map(({ held, actual }) => [held, actual])).toEqual([
      [true, '1,234 of 1,234'],
      [true, '0 of 0'],
      [true, '1 of 2'],
      [true, '4, 4, 4'],
    ]);
    const text = clusterText(report, plain).replaceAll(/\s+/g, ' ');
    expect(text).toMatch(/^3 servers, .*: 1 of 6 calls failed, 1 took noticeably longer, and no write was lost\. /);
  });

  test.each([
    ['a write is missing', { store: { ...none, made: 2, missing: 1 } }],
    ['a write is there twice', { store: { ...none, made: 2, twice: 1 } }],
    ['a write is there that was said not to be made', { store: { ...none, notMade: 1, madeNevertheless: 1 } }],
    ['half a transaction is there', { store: { ...none, unknown: 1, torn: 1 } }],
    ['a server has no connection', { samples: [{ at: 1, servers: [well, { ...well, connections: 0 }, well] }] }],
    ['a server is not well', { samples: [{ at: 1, servers: [well, { ...well, state: 'out' as const }, well] }] }],
  ])('says when %s', (_, changes) => {
    const report = clusterReport(observed(changes));
    expect(report.expectations.filter(({ held }) => !held)).toHaveLength(1);
    expect(clusterText(report, plain)).toContain('✗');
  });

  test('of a run that was stopped expects nothing of servers that are away', () => {
    const samples = [{ at: 1, servers: [well, { ...well, state: 'out' as const }, well] }];
    const report = clusterReport(observed({ interrupted: 'SIGINT', samples }));
    expect(report.expectations.every(({ held }) => held)).toBe(true);
    expect(clusterText(report, plain)).toMatch(/^Stopped by SIGINT\. /);
  });

  test.each([40, 60, 80, 120])('fits into %i columns', (columns) => {
    const lines = clusterText(clusterReport(observed()), plain, columns).split('\n');
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  });
});
