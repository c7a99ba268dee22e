import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Usage } from '../../src/agents/usage.js';
import { type AgentLimit, AgentLimitError } from '../../src/errors/agent.js';
import { ConfigurationError, UsageError } from '../../src/errors/configuration.js';
import { outcomeOf } from '../../src/errors/outcome.js';
import { retryDecision } from '../../src/errors/retry-decision.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock();
const owner = (agentId: string): { sessionId: string; agentId: string } => ({
  sessionId: `session of ${agentId}`,
  agentId,
});
const alone = (limits: unknown): Usage => new Usage(owner('a'), limits, undefined, clock);

function errorOf(work: () => unknown): AgentLimitError {
  try {
    work();
  } catch (error) {
    if (error instanceof AgentLimitError) return error;
    throw error;
  }
  throw new Error('it was admitted');
}

/** The counts of a session, as simple as can be. */
interface Model {
  readonly parent: number;
  readonly limits: { maxConnections?: number; maxOperations?: number; maxTransactions?: number; wait: boolean };
  connections: number;
  operations: number;
  transactions: number;
  open: number;
  committed: number;
  aborted: number;
  unknown: number;
  refused: Map<AgentLimit, number>;
}

const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const node = fc.record({
  parent: fc.nat(),
  connections: limit,
  operations: limit,
  transactions: limit,
  wait: fc.boolean(),
});
const actions = [
  'operation',
  'operationBack',
  'connection',
  'release',
  'transaction',
  'transactionBack',
  'committed',
  'aborted',
  'unknown',
] as const;
const step = fc.record({ session: fc.nat(), action: fc.constantFrom(...actions) });

describe('the use of sessions', () => {
  test('is exact in every tree of sessions, whatever they do in whatever order', () => {
    let refusals = 0;
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 1, maxLength: 5 }),
        fc.array(step, { minLength: 60, maxLength: 120 }),
        (nodes, steps) => {
          const usages: Usage[] = [];
          const models: Model[] = [];
          const told: AgentLimitError[] = [];
          nodes.forEach(({ parent, connections, operations, transactions, wait }, index) => {
            // -1: none. So a parent stands before its children, and there are several roots.
            const above = (parent % (index + 1)) - 1;
            const limits = {
              maxConnections: connections,
              maxOperations: operations,
              maxTransactions: transactions,
              atMaxConnections: wait ? ('wait' as const) : undefined,
            };
            usages.push(new Usage(owner(`${index}`), limits, usages[above], clock, (error) => told.push(error)));
            models.push({
              parent: above,
              limits: {
                ...(connections !== undefined && { maxConnections: connections }),
                ...(operations !== undefined && { maxOperations: operations }),
                ...(transactions !== undefined && { maxTransactions: transactions }),
                wait,
              },
              ...{ connections: 0, operations: 0, transactions: 0, open: 0, committed: 0, aborted: 0, unknown: 0 },
              refused: new Map(),
            });
          });
          /** What each session has taken by itself: it gives back no more than that. */
          const own = nodes.map(() => ({ operations: 0, connections: 0, open: 0 }));
          for (const { session, action } of steps) {
            const index = session % nodes.length;
            const usage = usages[index];
            const has = own[index];
            if (usage === undefined || has === undefined) throw new Error('no such session');
            const chain: [number, Model][] = [];
            for (let at = index; at !== -1; at = models[at]?.parent ?? -1) {
              const model = models[at];
              if (model !== undefined) chain.push([at, model]);
            }
            const count = (change: (model: Model) => void): void => chain.forEach(([, model]) => void change(model));
            const admit = (
              name: 'maxConnections' | 'maxOperations' | 'maxTransactions',
              used: 'connections' | 'operations' | 'transactions',
              act: () => void,
            ): boolean => {
              const full = chain.find(([, model]) => {
                if (name === 'maxConnections' && model.limits.wait) return false;
                return model[used] >= (model.limits[name] ?? Number.POSITIVE_INFINITY);
              });
              if (full === undefined) {
                act();
                count((model) => model[used]++);
                return true;
              }
              const error = errorOf(act);
              refusals++;
              expect(error).toMatchObject({
                ...{ sessionId: `session of ${index}`, agentId: `${index}`, limit: name, limitOf: `${full[0]}` },
                ...{ max: full[1].limits[name], value: full[1][used], outcome: 'not-sent' },
                scope: full[0] === index ? 'session' : 'parent',
              });
              expect(told.at(-1)).toBe(error);
              count((model) => model.refused.set(name, (model.refused.get(name) ?? 0) + 1));
              return false;
            };
            if (action === 'operation' && admit('maxOperations', 'operations', () => usage.admitOperation())) {
              has.operations++;
            }
            if (action === 'operationBack' && has.operations > 0) {
              has.operations--;
              usage.giveBackOperation();
              count((model) => model.operations--);
            }
            if (action === 'connection' && admit('maxConnections', 'connections', () => usage.admitConnection())) {
              has.connections++;
            }
            if (action === 'release' && has.connections > 0) {
              has.connections--;
              usage.releaseConnection(5);
              count((model) => model.connections--);
            }
            if (action === 'transaction' && admit('maxTransactions', 'transactions', () => usage.admitTransaction())) {
              has.open++;
              count((model) => model.open++);
            }
            if (action === 'transactionBack' && has.open > 0) {
              has.open--;
              usage.giveBackTransaction();
              count((model) => {
                model.open--;
                model.transactions--;
              });
            }
            if ((action === 'committed' || action === 'aborted' || action === 'unknown') && has.open > 0) {
              has.open--;
              usage[action]();
              count((model) => {
                model.open--;
                model[action]++;
              });
            }
            usages.forEach((each, at) => {
              const model = models[at];
              expect(each.counters).toEqual({
                activeConnections: model?.connections,
                operations: model?.operations,
                transactions: model?.transactions,
                openTransactions: model?.open,
                committedTransactions: model?.committed,
                abortedTransactions: model?.aborted,
                unknownTransactions: model?.unknown,
                ...{ rows: 0, bytes: 0, busyTime: 0 },
                recorded: { recorded: 0, committed: 0, aborted: 0 },
                refused: Object.fromEntries(model?.refused ?? []),
              });
            });
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(refusals).toBeGreaterThan(500);
  });

  test('is exact to the last operation for callers who come at once', async () => {
    const parent = new Usage(owner('parent'), { maxOperations: 250 }, undefined, clock);
    const children = Array.from(
      { length: 10 },
      (_, index) => new Usage(owner(`${index}`), { maxOperations: 40 }, parent, clock),
    );
    const calls = Array.from({ length: 1_000 }, async (_, index) => {
      await undefined;
      children[index % 10]?.admitOperation();
    });
    const admitted = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
    expect(admitted).toBe(250);
    expect(parent.counters.operations).toBe(250);
    expect(parent.counters.refused.maxOperations).toBe(750);
    expect(children.reduce((sum, { counters }) => sum + counters.operations, 0)).toBe(250);
  });

  test('of a rate takes a token at every parent or at none, and names the time after which all have one', async () => {
    const clock = new VirtualClock();
    const parent = new Usage(owner('parent'), { operationsPerSecond: 1, burst: 3 }, undefined, clock);
    const [one, other] = [10, 0.5].map(
      (operationsPerSecond) => new Usage(owner('child'), { operationsPerSecond }, parent, clock),
    );
    if (one === undefined || other === undefined) throw new Error('two sessions');
    other.admitOperation();
    expect(errorOf(() => other.admitOperation())).toMatchObject({
      retryAfter: 2_000,
      scope: 'session',
      retryable: true,
    });
    one.admitOperation();
    one.admitOperation();
    // The parent has none left: the child keeps its own.
    for (let call = 0; call < 20; call++) {
      expect(errorOf(() => one.admitOperation())).toMatchObject({
        retryAfter: 1_000,
        scope: 'parent',
        limitOf: 'parent',
      });
    }
    // Both are empty: the later of the two times.
    expect(errorOf(() => other.admitOperation())).toMatchObject({ retryAfter: 2_000, scope: 'session' });
    await clock.advance(999);
    expect([one.isWithin, errorOf(() => one.admitOperation()).retryAfter]).toEqual([false, 1]);
    await clock.advance(1);
    expect(one.isWithin).toBe(true);
    one.admitOperation();
    expect(one.isWithin).toBe(false);
    one.giveBackOperation();
    expect(one.isWithin).toBe(true);
    expect([one, other, parent].map(({ counters }) => counters.operations)).toEqual([2, 1, 3]);
  });

  test('of a rate waits for the slowest of all that have none left, wherever that stands', async () => {
    const clock = new VirtualClock();
    const top = new Usage(owner('top'), { operationsPerSecond: 0.25, burst: 2 }, undefined, clock);
    const middle = new Usage(owner('middle'), { operationsPerSecond: 0.1, burst: 2 }, top, clock);
    const low = new Usage(owner('low'), { operationsPerSecond: 0.5, burst: 2 }, middle, clock);
    low.admitOperation();
    low.admitOperation();
    expect(errorOf(() => low.admitOperation())).toMatchObject({ retryAfter: 10_000, limitOf: 'middle' });
    expect(errorOf(() => top.admitOperation())).toMatchObject({ retryAfter: 4_000, limitOf: 'top' });
    await clock.advance(10_000);
    low.admitOperation();
  });

  test('past a limit in all is not told to come back, even when the rate is used up too', () => {
    const usage = alone({ operationsPerSecond: 1, maxOperations: 1 });
    usage.admitOperation();
    const error = errorOf(() => usage.admitOperation());
    expect(error).toMatchObject({ limit: 'maxOperations', retryable: false });
    expect('retryAfter' in error).toBe(false);
  });

  test('at a limit that is reached for a time may be tried again, at one in all not', () => {
    const usage = alone({ maxConnections: 1, maxOperations: 0, maxTransactions: 0, maxWaiting: 2, maxRows: 1 });
    usage.admitConnection();
    const errors = [
      errorOf(() => usage.admitConnection()),
      usage.refuseWaiting(usage, 2),
      errorOf(() => usage.admitOperation()),
      errorOf(() => usage.admitTransaction()),
      errorOf(() => usage.checkAnswer(2, 0)),
    ];
    expect(errors.map(({ limit, retryable }) => [limit, retryable])).toEqual([
      ['maxConnections', true],
      ['maxWaiting', true],
      ['maxOperations', false],
      ['maxTransactions', false],
      ['maxRows', false],
    ]);
    expect(errors.map((error) => retryDecision(error, true))).toEqual(errors.map(() => 'never'));
  });

  test('of connections estimates when one is free, once it has seen some', () => {
    const usage = alone({ maxConnections: 2 });
    usage.admitConnection();
    usage.admitConnection();
    expect('retryAfter' in errorOf(() => usage.admitConnection())).toBe(false);
    // One that was never lent says nothing.
    usage.releaseConnection();
    usage.admitConnection();
    expect('retryAfter' in errorOf(() => usage.admitConnection())).toBe(false);
    usage.releaseConnection(100);
    usage.admitConnection();
    expect(errorOf(() => usage.admitConnection()).retryAfter).toBe(50);
    usage.releaseConnection(200);
    usage.admitConnection();
    expect(errorOf(() => usage.admitConnection()).retryAfter).toBe(60);
  });

  test('counts connections also where callers wait, and is then not within its limits', () => {
    const usage = alone({ maxConnections: 1, atMaxConnections: 'wait' });
    usage.admitConnection();
    usage.admitConnection();
    expect(usage.counters.activeConnections).toBe(2);
    expect(usage.isWithin).toBe(false);
    usage.change({ atMaxConnections: 'refuse' });
    expect(errorOf(() => usage.admitConnection())).toMatchObject({ value: 2, max: 1 });
  });

  test('of an answer that is too large says that the statement was executed, unless nothing of it is applied', () => {
    const parent = new Usage(owner('parent'), { maxBytes: 1_000 }, undefined, clock);
    const child = new Usage(owner('child'), { maxRows: 10 }, parent, clock);
    child.checkAnswer(10, 1_000);
    const rows = errorOf(() => child.checkAnswer(11, 1));
    expect([outcomeOf(rows), rows.limit, rows.scope]).toEqual(['unknown', 'maxRows', 'session']);
    expect(rows.message).toMatch(/was executed, its answer was discarded/);
    const bytes = errorOf(() => child.checkAnswer(1, 1_001, 'not-sent'));
    expect([outcomeOf(bytes), bytes.limit, bytes.scope]).toEqual(['not-sent', 'maxBytes', 'parent']);
    expect(bytes.message).toMatch(/nothing of the transaction is applied/);
    child.addTime(7);
    for (const { counters } of [child, parent]) {
      expect(counters).toMatchObject({ rows: 22, bytes: 2_002, busyTime: 7, refused: { maxRows: 1, maxBytes: 1 } });
    }
  });

  test('has the shortest times of the session and its parents', () => {
    const top = new Usage(owner('top'), { queryTimeout: '3s', maxHold: 0 }, undefined, clock);
    const middle = new Usage(owner('middle'), { queryTimeout: '1s', maxTransactionAge: '2s', maxHold: 0 }, top, clock);
    const low = new Usage(owner('low'), { queryTimeout: '2s', maxHold: '30s' }, middle, clock);
    expect([low.queryTimeout, low.maxTransactionAge, low.maxHold]).toEqual([1_000, 2_000, 30_000]);
    expect([top.queryTimeout, top.maxTransactionAge, top.maxHold]).toEqual([3_000, 0, 0]);
    top.change({ queryTimeout: 5, maxHold: null });
    expect([low.queryTimeout, top.maxHold]).toEqual([5, 60_000]);
  });

  test('stays counted when limits change, and a change that is refused changes nothing', () => {
    const usage = alone({ maxOperations: 2, maxRows: 5 });
    usage.admitOperation();
    usage.admitOperation();
    expect(() => usage.change({ maxOperations: 3, maxRows: 'many' })).toThrow(ConfigurationError);
    expect(usage.given).toEqual({ maxOperations: 2, maxRows: 5 });
    errorOf(() => usage.admitOperation());
    usage.change({ maxOperations: 3 });
    usage.admitOperation();
    expect(errorOf(() => usage.admitOperation())).toMatchObject({ max: 3, value: 3 });
    usage.change({ maxOperations: null });
    usage.admitOperation();
    expect(usage.counters.operations).toBe(4);
    expect(usage.given).toEqual({ maxRows: 5 });
  });

  test('cannot be given back twice', () => {
    const usage = alone({});
    for (const back of ['giveBackOperation', 'releaseConnection', 'giveBackTransaction', 'committed'] as const) {
      expect(() => usage[back](), back).toThrow(UsageError);
    }
    expect(usage.counters).toEqual(alone({}).counters);
  });
});
