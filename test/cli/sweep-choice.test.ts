import { describe, expect, test } from 'vitest';
import { plain } from '../../src/cli/output.js';
import { seededRandom, shuffled } from '../../src/cli/seeded-random.js';
import { chooseSize, intervalOf, type SizeMeasured } from '../../src/cli/sweep-choice.js';
import { sweepPlan } from '../../src/cli/sweep-plan.js';
import type { SweepFigures } from '../../src/cli/sweep-report.js';
import { sweepSentences } from '../../src/cli/sweep-sentences.js';
import { sweepText } from '../../src/cli/sweep-text.js';

/** Five rounds around a throughput, each a little off, by a share of it. */
function around(size: number, throughput: number, noise = 0.01): SizeMeasured {
  const rounds = [-1, 0.5, 1, -0.5, 0.2].map((off) => throughput * (1 + off * noise));
  return { size, throughput: rounds, p99: rounds.map(() => 10) };
}

function figures(measured: readonly SizeMeasured[], remarkable: Partial<SweepFigures['sweep']> = {}): SweepFigures {
  const choice = chooseSize(measured);
  return {
    ...choice,
    sizes: choice.sizes.map((size) => ({ ...size, processBusy: 20, errors: 0 })),
    sweep: {
      ...{ endpoint: 'ws://db:8000/rpc', engine: 'server', namespace: 'load', database: 'load', singleCalls: false },
      ...{ mix: { read: 80, write: 20 }, statements: null, workers: 32, seed: 7, rounds: 5, time: 1_000 },
      ...remarkable,
    },
  };
}

const knee = [around(1, 100), around(2, 190), around(4, 360), around(8, 500), around(16, 505), around(32, 480)];

describe('the right size', () => {
  test('is the smallest that certainly has 95 % of the most', () => {
    const { sizes, best, recommended, undecided, atLimit } = chooseSize(knee);
    expect({ best, recommended, undecided, atLimit }).toEqual({
      best: 16,
      recommended: 8,
      undecided: [],
      atLimit: false,
    });
    expect(sizes.map(({ verdict }) => verdict)).toEqual([
      'too-few',
      'too-few',
      'too-few',
      'enough',
      'enough',
      expect.any(String),
    ]);
  });

  test('is not claimed of a size that the rounds leave open', () => {
    const { recommended, undecided } = chooseSize([around(1, 100), around(4, 480, 0.2), around(8, 500)]);
    expect({ recommended, undecided }).toEqual({ recommended: 8, undecided: [4] });
  });

  test('is not looked for below a size that is certainly too small', () => {
    const { sizes, undecided } = chooseSize([around(1, 350, 0.7), around(4, 360), around(8, 500)]);
    expect(sizes.map(({ verdict }) => verdict)).toEqual(['uncertain', 'too-few', 'enough']);
    expect(undecided).toEqual([]);
  });

  test('is found although whole rounds are slow, because sizes are compared within a round', () => {
    const slow = (size: SizeMeasured): SizeMeasured => ({
      ...size,
      throughput: size.throughput.map((throughput, round) => throughput / (1 + round)),
    });
    expect(chooseSize(knee.map(slow))).toMatchObject({ recommended: 8, undecided: [] });
  });

  test('may be beyond those that were measured', () => {
    expect(chooseSize([around(1, 100), around(2, 200)])).toMatchObject({ recommended: 2, atLimit: true });
  });

  test('is the largest when nothing was done at all, and nothing breaks', () => {
    expect(chooseSize([around(1, 0), around(2, 0)]).sizes.every(({ ofBest }) => Number.isFinite(ofBest.mean))).toBe(
      true,
    );
  });
});

test('an interval holds the mean of ever new samples in 95 of 100 cases', () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const random = seededRandom(seed);
  // A sum of twelve is as good as normal, with mean 0 and variance 1.
  const normal = (): number => Array.from({ length: 12 }, random).reduce((sum, part) => sum + part, -6);
  const cases = 4_000;
  let held = 0;
  for (let each = 0; each < cases; each++) {
    const { low, high } = intervalOf(Array.from({ length: 5 }, normal));
    if (low <= 0 && high >= 0) held++;
  }
  expect(held / cases, `seed ${seed}`).toBeGreaterThan(0.93);
  expect(held / cases, `seed ${seed}`).toBeLessThan(0.97);
});

test('the same seed gives the same order, and another seed another', () => {
  const items = Array.from({ length: 20 }, (_, index) => index);
  expect(shuffled(items, seededRandom(7))).toEqual(shuffled(items, seededRandom(7)));
  expect(shuffled(items, seededRandom(7))).not.toEqual(shuffled(items, seededRandom(8)));
  expect([...shuffled(items, seededRandom(0))].sort((one, other) => one - other)).toEqual(items);
});

test('sizes are powers of two up to the most, or to the number of those who could use them', () => {
  expect(sweepPlan(30_000, 64, 32)).toEqual({ sizes: [1, 2, 4, 8, 16, 32], rounds: 5, time: 1_000 });
  expect(sweepPlan(30_000, 20, 100).sizes).toEqual([1, 2, 4, 8, 16, 20]);
  expect(sweepPlan(1_000, 1, 32).sizes).toEqual([1]);
});

describe('what a sweep says', () => {
  test('is the size, the reason, and the size below it', () => {
    const [first, ...others] = sweepSentences(figures(knee));
    expect(first).toMatch(
      /^--pool-max 8 is enough: it did 99 % \(95 % sure: \d+ to \d+ %\) of the most, which 16 connections did; 4 did 71 % \(.*\)\.$/,
    );
    expect(others).toEqual([]);
  });

  test('is no size when the rounds cannot tell one from another', () => {
    expect(sweepSentences(figures([around(1, 480, -0.3), around(2, 500, 0.3)]))[0]).toMatch(
      /^5 rounds cannot tell the sizes below 2 apart/,
    );
  });

  test('names smaller sizes that may do, the end of what was measured, and an engine inside this process', () => {
    const open = figures([around(1, 100), around(4, 480, 0.2), around(8, 500)], { engine: 'in-process' });
    const text = sweepSentences(open).join('\n');
    expect(text).toContain('4 may be enough too: 5 rounds cannot tell');
    expect(text).toContain('try --pool-max 16');
    expect(text).toContain('The engine ran inside this process');
  });

  test('is to look at the errors first, if there were any', () => {
    const { sizes, ...rest } = figures(knee);
    const failed = { ...rest, sizes: sizes.map((size) => ({ ...size, errors: 1 })) };
    expect(sweepSentences(failed)).toEqual([
      expect.stringMatching(/^6 operations failed, so the sizes cannot be compared/),
    ]);
  });

  test('is nothing about sizes when no operation was done', () => {
    expect(sweepSentences(figures([around(1, 0), around(2, 0)]))).toEqual([
      'No operation was done, so the sizes cannot be compared.',
    ]);
  });

  test.each([40, 80, 200])('fits %i columns, with a line for each size', (columns) => {
    const swept = figures(knee);
    const versions = { package: '0.1.0', node: '22.0.0', sdk: '2.0.8', engine: null, server: '3.3.5' };
    const text = sweepText({ schema: 1, versions, sentences: sweepSentences(swept), ...swept }, plain, columns);
    const lines = text.split('\n');
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    expect(lines.filter((line) => /^[✓✗?] +\d/.test(line))).toHaveLength(6);
    expect(text.replace(/\s+/g, ' ')).toContain('--seed 7');
  });
});
