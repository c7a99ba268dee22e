import { describe, expect, test } from 'vitest';
import type { PoolStats } from '../../src/telemetry/pool-stats.js';
import { verdictOf } from '../../src/verdict/verdict.js';
import type { VerdictReading } from '../../src/verdict/verdict-reading.js';
import { codeBlocks, page } from '../support/documentation.js';
import { readChanges, readEndpoint, reading, readLease, readStats, times } from '../support/pool-readings.js';

const busy = { total: 20, idle: 0, leased: 20, waiting: 14, oldestWaiter: 1_800 } as const;
const many = (count: number, values: Parameters<typeof readLease>[0]): VerdictReading['leases'] =>
  Array.from({ length: count }, (_, place) => readLease({ connection: place + 1, ...values }));
const quick = { count: 100_000, mean: 4, p50: 4, p90: 8, p99: 12, max: 20 };
const slow = { count: 300, mean: 310, p50: 310, p90: 500, p99: 900, max: 950 };
const minute = { duration: 60_000 };
const outEndpoint = readEndpoint({
  url: 'ws://node-2:8000/rpc?token=secret',
  state: 'out',
  circuit: 'open',
  failures: 5,
  lastError: 'cannot connect to ws://node-2:8000/rpc: connection refused.',
  nextProbeIn: 4_000,
});

/** What is read, and what is said of it. */
const cases: readonly (readonly [title: string, given: VerdictReading, said: string])[] = [
  ['nobody waits', reading(), 'fine healthy: Healthy: 7 of 20 connections in use, nobody waits.'],
  [
    'a wait that nobody notices',
    reading({ stats: readStats({ ...busy, waiting: 2, oldestWaiter: 12 }) }),
    'fine healthy: Healthy: 20 of 20 connections in use, 2 callers wait, the oldest for 12 ms.',
  ],
  [
    'a wait shorter than a query usually takes',
    reading({ stats: readStats({ ...busy, oldestWaiter: 900, queryTime: times({ ...slow, p50: 2_000 }) }) }),
    'fine healthy: Healthy: 20 of 20 connections in use, 14 callers wait, the oldest for 900 ms.',
  ],
  [
    'nothing noted before',
    reading({ lately: undefined, lastMinute: undefined }),
    'fine healthy: Healthy: 7 of 20 connections in use, nobody waits.',
  ],
  [
    'many queries fail',
    reading({ lastMinute: readChanges({ ...minute, queries: 600, queriesFailed: 120 }) }),
    'fine healthy: Healthy: 7 of 20 connections in use, nobody waits; 120 of 600 queries failed in the last minute.',
  ],

  [
    'the pool is too small',
    reading({ stats: readStats(busy), leases: [readLease({ connection: 7, held: 2_100, agentId: 'planner' })] }),
    'critical pool: The pool is the bottleneck: 14 callers wait, the oldest for 1.8 s, while all 20 connections are in use (queries take no longer than before: 4.0 ms, p99 12 ms): raise maxConnections, or look at the longest lease, connection #7 of agent planner (2.1 s).',
  ],
  [
    'the pool is a little too small',
    reading({ stats: readStats({ ...busy, waiting: 1, oldestWaiter: 150 }) }),
    'warning pool: The pool is the bottleneck: 1 caller waits, for 150 ms, while all 20 connections are in use (queries take no longer than before: 4.0 ms, p99 12 ms): raise maxConnections.',
  ],
  [
    'the pool is too small for queries that have been slow for long',
    reading({
      stats: readStats({ ...busy, queryTime: times(slow, slow) }),
      leases: [],
      lately: readChanges({ queries: 20, queryTime: 20 * 300, usualQueryTime: 300 }),
    }),
    'critical pool: The pool is the bottleneck: 14 callers wait, the oldest for 1.8 s, while all 20 connections are in use (queries take no longer than before: 310 ms, p99 900 ms): raise maxConnections, if the server can take more, or make the queries faster.',
  ],
  [
    'callers were turned away, and nobody waits any more',
    reading({ lastMinute: readChanges({ ...minute, timedOut: 12, turnedAway: 3 }) }),
    'warning pool: Callers were turned away: 12 timed out in the last minute, 3 refused in the last minute; now 7 of 20 connections in use and nobody waits.',
  ],
  [
    'callers were turned away by an outage that is over',
    reading({ lastMinute: readChanges({ ...minute, timedOut: 12, openFailed: 4 }) }),
    'warning endpoint: Callers were turned away while connections could not be opened (4 attempts): 12 timed out in the last minute; now 7 of 20 connections in use and nobody waits.',
  ],
  [
    'connections are being opened',
    reading({ stats: readStats({ ...busy, total: 12, leased: 7, opening: 5, oldestWaiter: 250 }) }),
    'warning pool: The pool grows: 5 connections are being opened, which takes about 30 ms (12 of 20); 14 callers wait, the oldest for 250 ms.',
  ],

  [
    'the database is slow, and callers wait',
    reading({
      stats: readStats({ ...busy, queryTime: times(quick, slow) }),
      lately: readChanges({ queries: 20, queryTime: 20 * 310 }),
    }),
    'critical database: The database is slow: a query takes 310 ms and took 4.0 ms before (p99 of the last minute 900 ms); 14 callers wait, the oldest for 1.8 s.',
  ],
  [
    'the database is slow on one server, and nobody waits',
    reading({
      stats: readStats({ queryTime: times(quick, slow) }),
      lately: readChanges({ queries: 20, queryTime: 20 * 310 }),
      health: {
        healthy: true,
        reason: '',
        endpoints: [readEndpoint({ latency: 2 }), readEndpoint({ url: 'ws://node-2:8000/rpc', latency: 310 })],
      },
    }),
    'warning database: The database is slow on node-2:8000: a query takes 310 ms and took 4.0 ms before (p99 of the last minute 900 ms); nobody waits long for a connection.',
  ],
  [
    'the last minute is slow, seen at the first look',
    reading({
      stats: readStats({ queryTime: times(quick, slow) }),
      lately: undefined,
      lastMinute: undefined,
    }),
    'warning database: The database is slow: a query takes 500 ms and took 8.0 ms before (p99 of the last minute 900 ms); nobody waits long for a connection.',
  ],
  [
    'slower, but by little',
    reading({ lately: readChanges({ queries: 100, queryTime: 100 * 20 }) }),
    'fine healthy: Healthy: 7 of 20 connections in use, nobody waits.',
  ],
  [
    'the database does not answer',
    reading({
      stats: readStats(busy),
      leases: [...many(19, { held: 9_000, unansweredFor: 1_200 }), readLease({ held: 9_000, unansweredFor: 8_000 })],
    }),
    'critical database: The database does not answer: 20 of 20 lent connections have had no answer for 8.0 s; 14 callers wait, the oldest for 1.8 s.',
  ],
  [
    'the database does not answer, and nobody waits',
    reading({ stats: readStats({ leased: 1 }), leases: [readLease({ held: 16_000, unansweredFor: 16_000 })] }),
    'warning database: The database does not answer: 1 of 1 lent connections have had no answer for 16 s; it is silent, or these are long queries; nobody waits for a connection.',
  ],
  [
    'a query that is long, among others that are answered',
    reading({
      stats: readStats({ leased: 3 }),
      leases: [readLease({ held: 16_000, unansweredFor: 16_000 }), ...many(2, { unansweredFor: 4 })],
    }),
    'fine healthy: Healthy: 3 of 20 connections in use, nobody waits.',
  ],
  [
    'queries that are long as usual',
    reading({
      stats: readStats({ leased: 1, queryTime: times({ ...slow, p99: 9_000 }) }),
      leases: [readLease({ held: 16_000, unansweredFor: 16_000 })],
    }),
    'fine healthy: Healthy: 1 of 20 connections in use, nobody waits.',
  ],
  [
    'a server is out, and the other one is silent',
    reading({
      stats: readStats({ leased: 2, waiting: 3, oldestWaiter: 2_000 }),
      health: { healthy: true, reason: '', endpoints: [outEndpoint, readEndpoint({})] },
      leases: many(2, { held: 9_000, unansweredFor: 9_000 }),
    }),
    'critical database: The database does not answer: 2 of 2 lent connections have had no answer for 9.0 s; 3 callers wait, the oldest for 2.0 s.',
  ],

  [
    'callers hold leases without calls, and others wait',
    reading({
      stats: readStats(busy),
      leases: [
        ...many(11, { held: 9_000 }),
        readLease({ connection: 12, held: 42_000, idle: 41_000 }),
        ...many(8, { idle: 2_000 }),
      ],
    }),
    'critical pool: The pool is the bottleneck: 14 callers wait, the oldest for 1.8 s, while all 20 connections are in use (queries take no longer than before: 4.0 ms, p99 12 ms): raise maxConnections, or look at the longest lease, connection #12 (42 s).',
  ],
  [
    'half of the leases make no calls, and others wait',
    reading({
      stats: readStats(busy),
      leases: [
        ...many(10, { held: 9_000 }),
        readLease({ connection: 12, held: 42_000, idle: 41_000 }),
        ...many(9, { idle: 2_000 }),
      ],
    }),
    'critical caller: Callers hold connections without using them: 10 of 20 that are lent had no call for over 1.0 s, the longest, connection #12, for 41 s; 14 callers wait, the oldest for 1.8 s.',
  ],
  [
    'leases are long and their queries short',
    reading({
      stats: readStats(busy),
      lately: readChanges({ served: 100, queries: 100, queryTime: 400, leaseTime: 9_000 }),
    }),
    'critical caller: Callers hold connections without using them: queries ran for 4 % of the time that connections were lent (90 ms on average); 14 callers wait, the oldest for 1.8 s: acquire later, release earlier.',
  ],
  [
    'callers acquire while they hold a connection',
    reading({ stats: readStats(busy), nestedAcquires: 7 }),
    'critical caller: Callers that hold a connection acquire another while all are in use (7 times in the last minute), so they wait for each other; 14 callers wait, the oldest for 1.8 s: pass the connection on instead.',
  ],
  [
    'a forgotten lease, and nobody waits',
    reading({ leases: [readLease({ connection: 3, held: 120_000, idle: 41_000, inTransaction: true })] }),
    'warning caller: A caller holds connection #3 with an open transaction for 2.0 min and has made no call for 41 s; nobody waits yet.',
  ],
  [
    'a forgotten lease, and others wait a moment for what is left',
    reading({
      stats: readStats({ ...busy, waiting: 7, oldestWaiter: 78 }),
      leases: [readLease({ connection: 3, held: 120_000, idle: 41_000 })],
    }),
    'warning caller: A caller holds connection #3 for 2.0 min and has made no call for 41 s; 7 callers wait, the oldest for 78 ms.',
  ],
  [
    'connections that single calls share are held by nobody',
    reading({ leases: [readLease({ held: 120_000, idle: 41_000, shared: true })] }),
    'fine healthy: Healthy: 7 of 20 connections in use, nobody waits.',
  ],

  [
    'one of two servers is out',
    reading({ health: { healthy: true, reason: '', endpoints: [readEndpoint(), outEndpoint] } }),
    'warning endpoint: node-2:8000 is out (breaker open): connection refused; next attempt in 4.0 s; 1 other serves, and nobody waits long.',
  ],
  [
    'one of two servers is out, and callers wait',
    reading({
      stats: readStats(busy),
      health: { healthy: true, reason: '', endpoints: [readEndpoint(), outEndpoint] },
    }),
    'critical endpoint: node-2:8000 is out (breaker open): connection refused; next attempt in 4.0 s; 1 other serves, but 14 callers wait, the oldest for 1.8 s.',
  ],
  [
    'the only server is out',
    reading({
      stats: readStats({ ...busy, leased: 0, total: 0, waiting: 1 }),
      health: { healthy: false, reason: 'cannot open connections: connection refused', endpoints: [outEndpoint] },
    }),
    'critical endpoint: node-2:8000 is out (breaker open): connection refused; next attempt in 4.0 s; 1 caller waits, for 1.8 s.',
  ],
  [
    'all servers are out',
    reading({
      stats: readStats({ leased: 0, total: 0 }),
      health: {
        healthy: false,
        reason: 'cannot open connections: connection refused',
        endpoints: [outEndpoint, readEndpoint({ ...outEndpoint, url: 'ws://node-1:8000', nextProbeIn: 2_000 })],
      },
    }),
    'critical endpoint: None of 2 endpoints can be used: connection refused; next attempt in 2.0 s.',
  ],
  [
    'the server does not answer probes',
    reading({
      health: {
        healthy: false,
        reason: 'the last 3 probes and calls got no answer: no answer within 5 s',
        endpoints: [readEndpoint({ state: 'doubtful' })],
      },
    }),
    'critical endpoint: The pool cannot serve: the last 3 probes and calls got no answer: no answer within 5 s.',
  ],
  [
    'no connection yet',
    reading({
      stats: readStats({ opened: 0, total: 1, leased: 0, opening: 1 }),
      health: { healthy: false, reason: 'no connection was made yet', endpoints: [readEndpoint()] },
    }),
    'warning endpoint: Starting: no connection was made yet.',
  ],
  [
    'openings fail, and the open connections serve',
    reading({
      health: {
        healthy: true,
        reason: '',
        endpoints: [readEndpoint({ failures: 2, lastError: 'too many open files', nextProbeIn: 0 })],
      },
      lately: readChanges({ openFailed: 2 }),
    }),
    'warning endpoint: Connections to node-1:8000 cannot be opened: too many open files; the 20 open ones serve.',
  ],
  [
    'a server is doubtful',
    reading({
      health: {
        healthy: true,
        reason: '',
        endpoints: [readEndpoint({ state: 'doubtful', lastError: 'socket closed' })],
      },
    }),
    'warning endpoint: node-1:8000 is doubtful: socket closed.',
  ],

  [
    'transactions conflict',
    reading({ lastMinute: readChanges({ ...minute, committed: 60, conflicts: 40 }) }),
    'warning conflicts: Transactions conflict: 40 of 100 were refused in the last minute because others changed the same records first; nobody waits long for a connection.',
  ],
  [
    'few transactions conflict',
    reading({ lastMinute: readChanges({ ...minute, committed: 600, conflicts: 40 }) }),
    'fine healthy: Healthy: 7 of 20 connections in use, nobody waits.',
  ],
  [
    'an agent was refused',
    reading({
      refusedAgents: [
        { agentId: 'scout', limit: 'maxRows', refused: 2 },
        { agentId: 'planner', limit: 'operationsPerSecond', refused: 31 },
      ],
    }),
    'warning agent: Agent planner (and 1 other agent) was refused 31 times in the last minute by its limit operationsPerSecond; the pool itself is well: 7 of 20 connections in use.',
  ],
  [
    'an agent waits for its own limit',
    reading({
      stats: readStats({ waiting: 14, oldestWaiter: 1_800 }),
      waitingAgents: [
        { agentId: 'scout', waiting: 2 },
        { agentId: 'planner', waiting: 12 },
      ],
    }),
    'warning agent: Agent planner is at its own limit: 12 of its calls wait while 13 connections are idle; the oldest waits for 1.8 s.',
  ],

  [
    'the process stood still',
    reading({ stats: readStats(busy), lately: readChanges({ gaps: 1 }) }),
    'warning process: This process stood still a moment ago: its event loop was blocked or the machine slept, so long waits and slow queries of the last minute are its own.',
  ],
  [
    'paused, and nobody waits',
    reading({ stats: readStats({ state: 'paused' }) }),
    'warning paused: Paused: the pool lends nothing until resume(); nobody waits.',
  ],
  [
    'paused, and callers wait',
    reading({
      stats: readStats({ ...busy, state: 'paused' }),
      health: { healthy: false, reason: 'paused', endpoints: [] },
    }),
    'critical paused: Paused: the pool lends nothing until resume(); 14 callers wait, the oldest for 1.8 s.',
  ],
  [
    'shutting down',
    reading({
      stats: readStats({ state: 'draining', leased: 3 }),
      leases: [readLease({ connection: 7, held: 12_000 })],
    }),
    'warning shut-down: Shutting down: 3 leases have not ended yet; the longest, connection #7, has lasted 12 s.',
  ],
  [
    'shutting down without leases',
    reading({ stats: readStats({ state: 'draining', leased: 0 }) }),
    'warning shut-down: Shutting down: no lease is left, connections are being closed.',
  ],
  [
    'shut down',
    reading({ stats: readStats({ state: 'closed', leased: 0, total: 0 }) }),
    'warning shut-down: Shut down: the pool serves nobody any more.',
  ],
];

describe('a verdict', () => {
  test.each(cases)('%s', (_title, given, said) => {
    const { kind, severity, sentence } = verdictOf(given);
    expect(`${severity} ${kind}: ${sentence}`).toBe(said);
  });

  test('is what the page about observability shows', () => {
    const { sentence } = verdictOf(reading({ stats: readStats(busy) }));
    expect(codeBlocks(page('docs/observability.md'))[0]?.code.trim()).toBe(sentence);
  });

  test('is one sentence without the query string of an address', () => {
    for (const [, given] of cases) {
      const { sentence } = verdictOf(given);
      expect(sentence).toMatch(/^[^\n]+[^.]\.$/);
      expect(sentence).not.toContain('secret');
    }
  });
});

/** Signs of trouble, the most important first: the kind of each, what is read, and what is counted. */
const signs: readonly (readonly [kind: string, given: Partial<VerdictReading>, stats?: Partial<PoolStats>])[] = [
  ['shut-down', {}, { state: 'draining' }],
  ['paused', {}, { state: 'paused' }],
  ['endpoint', { health: { healthy: false, reason: 'no answer', endpoints: [outEndpoint] } }],
  ['process', { lately: readChanges({ gaps: 1 }) }],
  ['endpoint', { health: { healthy: true, reason: '', endpoints: [readEndpoint(), outEndpoint] } }],
  ['caller', { nestedAcquires: 2 }],
  ['caller', { leases: many(20, { idle: 2_000 }) }],
  ['database', { lately: readChanges({ queries: 20, queryTime: 20 * 310 }) }],
  ['conflicts', { lastMinute: readChanges({ ...minute, committed: 60, conflicts: 40 }) }],
  ['pool', {}, busy],
];

test('what is more important is said first', () => {
  for (const [place, [kind]] of signs.entries()) {
    const all = signs.slice(place).reverse();
    const stats = readStats(Object.assign({}, ...all.map(([, , counted]) => counted)));
    const given: VerdictReading = reading({ ...Object.assign({}, ...all.map(([, read]) => read)), stats });
    expect(`${place} ${verdictOf(given).kind}`).toBe(`${place} ${kind}`);
  }
});
