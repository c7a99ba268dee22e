import { describe, expect, test } from 'vitest';
import type { Assertion } from '../../../src/cli/assertions.js';
import { readAssertions } from '../../../src/cli/assertions.js';
import { type LoadOptions, readLoadOptions } from '../../../src/cli/load-options.js';
import type { ProgressDisplay } from '../../../src/cli/progress.js';
import type { PlannedUnit, ReplayPlan } from '../../../src/cli/replay/replay-plan.js';
import { replayInVirtualTime, replaySizes, type SizesReport } from '../../../src/cli/replay/replay-sizes.js';
import { smallestEnough } from '../../../src/cli/replay/size-search.js';
import { sizesText } from '../../../src/cli/replay/sizes-text.js';
import { defaultPoolConfig } from '../../../src/config/default-pool-config.js';
import { seededRandom } from '../../support/seeded-random.js';

const never = new AbortController().signal;
const goal = readAssertions('wait.p99<10ms') as Assertion[];
const display = { say: () => {}, clear: () => {}, show: () => {}, isRefreshed: false } as unknown as ProgressDisplay;

function planOf(units: readonly Partial<PlannedUnit>[], maxConnections = 20): ReplayPlan {
  return {
    units: units.map((unit) => ({ due: 0, hold: 0, kind: 'read', agent: undefined, calls: 1, ...unit })),
    recorded: {
      ...{ startedAt: '2026-11-03T09:00:00.000Z', duration: 0, units: units.length, calls: units.length },
      ...{ kinds: { call: 0, lease: units.length, transaction: 0 }, identities: 1, agents: 0, unserved: 0 },
      ...{ failedCalls: 0, lost: 0, isWhole: true, maxConnections, mostLent: 0 },
      wait: { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 },
    },
  };
}

function optionsOf(...parameters: string[]): LoadOptions {
  const options = readLoadOptions(['--replay', 'tuesday.ndjson', '--sweep', ...parameters], {});
  if (options === undefined) throw new Error('no options');
  return options;
}

async function sizesOf(plan: ReplayPlan, ...parameters: string[]): Promise<SizesReport> {
  const report = await replaySizes(plan, optionsOf(...parameters), new Promise(() => {}), display);
  if (typeof report === 'string') throw new Error(report);
  return report;
}

/** The waits of a queue with so many places, first come first served, calculated by hand. */
function waitsByHand(units: readonly PlannedUnit[], size: number): number[] {
  const free = Array<number>(size).fill(0);
  return units.map(({ due, hold }) => {
    const first = free.indexOf(Math.min(...free));
    const lent = Math.max(due, free[first] ?? 0);
    free[first] = lent + hold;
    return lent - due;
  });
}

describe('a replay in virtual time', () => {
  test('lets callers wait exactly as long as a queue of that many places does', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`seed of the queue: ${seed}`);
    const random = seededRandom(seed);
    let due = 0;
    const plan = planOf(
      Array.from({ length: 1_000 }, () => {
        due += 10 * random();
        return { due, hold: 40 * random() };
      }),
    );
    for (const size of [3, 4, 5, 8]) {
      const waits = waitsByHand(plan.units, size);
      const { wait, operations } = await replayInVirtualTime(plan, size, goal, never);
      expect(operations).toMatchObject({ total: 1_000, errors: 0 });
      expect(wait.mean).toBeCloseTo(waits.reduce((sum, one) => sum + one, 0) / waits.length, 6);
      expect(wait.max).toBeCloseTo(Math.max(...waits), 6);
    }
  });

  test('lets callers time out as the pool does', async () => {
    const plan = planOf([{ hold: 60_000 }, { due: 1, hold: 5 }, { due: 2, hold: 5 }]);
    const { operations, wait } = await replayInVirtualTime(plan, 1, goal, never);
    expect(operations).toMatchObject({ total: 3, errors: 2 });
    expect(wait.max).toBeCloseTo(defaultPoolConfig.connectionTimeout, 0);
  });

  test('gives each agent its share', async () => {
    // One agent floods the pool; the only unit of the other does not wait behind all of it.
    const flood = Array.from({ length: 100 }, () => ({ hold: 10, agent: 1 }));
    const plan = planOf([...flood, { due: 1, hold: 10, agent: 2 }]);
    const alone = planOf([...flood, { due: 1, hold: 10, agent: 1 }]);
    const shared = await replayInVirtualTime(plan, 1, goal, never);
    const queued = await replayInVirtualTime(alone, 1, goal, never);
    expect(queued.wait.max).toBeCloseTo(999, 6);
    expect(shared.wait.max).toBeCloseTo(1_000, 6);
  });
});

describe('the smallest size', () => {
  test('is found among any', async () => {
    for (let most = 1; most <= 20; most++) {
      for (let enough = 1; enough <= most + 1; enough++) {
        const found = await smallestEnough(most, async (size) => size >= enough);
        expect(found).toBe(enough > most ? undefined : enough);
      }
    }
  });

  test('is the one that keeps what is asserted, and the one below does not', async () => {
    // 14 at a time, for ever: with 13 the queue grows.
    const plan = planOf(Array.from({ length: 2_000 }, (_, unit) => ({ due: unit, hold: 13.5 })));
    const report = await sizesOf(plan, '--speed', '2');
    expect(report).toMatchObject({ recommended: 14, goal: ['wait.p99<10ms', 'errors=0'] });
    expect(report.sizes.map(({ size, isEnough }) => [size, isEnough])).toContainEqual([13, false]);
    expect(report.sizes.map(({ size }) => size)).toEqual(expect.arrayContaining([13, 14, 20]));
    expect(report.sentences[0]).toMatch(
      /^--pool-max 14 is the smallest that keeps wait\.p99<10ms and errors=0 at 2× the recorded load \(14: 0 ms at p99; 13: .* at p99; 20: 0 ms at p99, the size of the recording\)\.$/,
    );
    expect(sizesText(report, (_, text) => text)).toContain('✓          14        0 ms');
  });

  test('is the one for the goal that was given, up to the size that was given', async () => {
    const plan = planOf(Array.from({ length: 100 }, () => ({ hold: 10 })));
    expect(await sizesOf(plan, '--assert', 'wait.max<=0ms')).toMatchObject({ recommended: 100 });
    expect(await sizesOf(plan, '--assert', 'wait.max<=90ms')).toMatchObject({ recommended: 10 });
    const none = await sizesOf(plan, '--assert', 'wait.max<=90ms', '--pool-max', '9');
    expect(none.recommended).toBeNull();
    expect(none.sentences[0]).toMatch(/^No size up to 9 keeps wait\.max<=90ms at 1× the recorded load/);
  });

  test('of an empty recording is none', async () => {
    const report = await sizesOf(planOf([]));
    expect(report.recommended).toBeNull();
    expect(report.sentences).toEqual(['The recording has no unit of work, so no size can be recommended.']);
  });

  test('is the same each time', async () => {
    const random = seededRandom(7);
    const plan = planOf(
      Array.from({ length: 500 }, (_, unit) => ({ due: unit, hold: 30 * random(), agent: unit % 3 })),
    );
    expect(await sizesOf(plan)).toEqual(await sizesOf(plan));
  });
});
