import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Sharer, type ShareSettings, type Standing, sharesOf } from '../../src/endpoints/shares.js';

const settings: ShareSettings = { zone: undefined, spillOver: 0.7, panicBelow: 0.5 };

const endpoint = (values: Partial<Sharer> = {}): Sharer => ({
  weight: 1,
  priority: 0,
  zone: undefined,
  standing: 'well',
  warm: 1,
  ...values,
});
const several = (count: number, values: Partial<Sharer> = {}): Sharer[] =>
  Array.from({ length: count }, () => endpoint(values));

/** The shares as parts of the whole, in hundredths. */
function percentOf(endpoints: readonly Sharer[], changed: Partial<ShareSettings> = {}): number[] {
  const { shares } = sharesOf(endpoints, { ...settings, ...changed });
  const sum = shares.reduce((all, share) => all + share, 0);
  return shares.map((share) => Math.round((100 * share) / sum));
}

describe('shares', () => {
  test('are 1 for equal endpoints, and follow weight and warmth', () => {
    expect(sharesOf(several(3), settings)).toEqual({ shares: [1, 1, 1], panicked: false });
    expect(percentOf([endpoint({ weight: 2 }), endpoint(), endpoint()])).toEqual([50, 25, 25]);
    expect(percentOf([...several(4), endpoint({ warm: 0.5 })])).toEqual([22, 22, 22, 22, 11]);
  });

  test('are 0 for those that are out or drain, and small for doubtful ones', () => {
    const standings: Standing[] = ['well', 'well', 'doubtful', 'out', 'draining'];
    const some = standings.map((standing) => endpoint({ standing }));
    expect(percentOf(some)).toEqual([44, 44, 11, 0, 0]);
  });

  test('stay in the first tier while 71 % of it is well, then go on', () => {
    const tiers = (out: number) => [
      ...several(10 - out),
      ...several(out, { standing: 'out' }),
      ...several(10, { priority: 1 }),
    ];
    const firstTier = (out: number) =>
      sharesOf(tiers(out), settings)
        .shares.slice(0, 10)
        .reduce((sum, share) => sum + share) / 20;
    expect([0, 2, 5, 8, 10].map((out) => Math.round(100 * firstTier(out)))).toEqual([100, 100, 70, 28, 0]);
  });

  test('stay in the own zone while enough of it is well, then go to the others bit by bit', () => {
    const zones = (out: number) => [
      ...several(10 - out, { zone: 'a' }),
      ...several(out, { zone: 'a', standing: 'out' }),
      ...several(5, { zone: 'b' }),
      ...several(5),
    ];
    const own = (out: number) =>
      sharesOf(zones(out), { ...settings, zone: 'a', panicBelow: 0 })
        .shares.slice(0, 10)
        .reduce((sum, share) => sum + share) / 20;
    expect([0, 3, 4, 9, 10].map((out) => Math.round(100 * own(out)))).toEqual([100, 100, 86, 14, 0]);
    expect(percentOf(zones(0), { zone: 'c' })).toEqual(Array.from({ length: 20 }, () => 5));
  });

  test('count doubtful ones as well when too few are well and no other tier can help', () => {
    const few = [...several(1), ...several(3, { standing: 'doubtful' })];
    expect(sharesOf(few, settings)).toEqual({ shares: [1, 1, 1, 1], panicked: true });
    expect(sharesOf(few, { ...settings, panicBelow: 0 }).panicked).toBe(false);
    expect(sharesOf([...few, endpoint({ priority: 1 })], settings).panicked).toBe(false);
  });

  test('go by weight when all are out, and to nobody when all drain', () => {
    const out = [endpoint({ standing: 'out', weight: 3 }), endpoint({ standing: 'out', priority: 1 })];
    expect(percentOf([...out, endpoint({ standing: 'draining' })])).toEqual([75, 25, 0]);
    expect(sharesOf(several(2, { standing: 'draining' }), settings)).toEqual({ shares: [0, 0], panicked: false });
    expect(sharesOf([], settings)).toEqual({ shares: [], panicked: false });
  });
});

describe('for any endpoints', () => {
  const endpoints = fc.array(
    fc.record<Sharer>({
      weight: fc.integer({ min: 1, max: 100 }),
      priority: fc.integer({ min: 0, max: 2 }),
      zone: fc.constantFrom(undefined, 'a', 'b'),
      standing: fc.constantFrom<Standing>('well', 'well', 'doubtful', 'out', 'draining'),
      warm: fc.double({ min: 0.1, max: 1, noNaN: true }),
    }),
    { maxLength: 12 },
  );
  const anySettings = fc.record<ShareSettings>({
    zone: fc.constantFrom(undefined, 'a', 'c'),
    spillOver: fc.double({ min: 0, max: 1, noNaN: true }),
    panicBelow: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const close = 1e-9;

  test('shares are 0 or more, and add up to the number of those that do not drain', () => {
    fc.assert(
      fc.property(endpoints, anySettings, (all, chosen) => {
        const { shares } = sharesOf(all, chosen);
        const staying = all.filter(({ standing }) => standing !== 'draining').length;
        expect(shares).toHaveLength(all.length);
        for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(staying, 6);
        if (staying === all.length || staying === 0) return;
        for (const [index, { standing }] of all.entries()) if (standing === 'draining') expect(shares[index]).toBe(0);
      }),
    );
  });

  test('endpoints alike but for the weight get shares in proportion', () => {
    fc.assert(
      fc.property(endpoints, anySettings, fc.nat(), fc.integer({ min: 1, max: 5 }), (all, chosen, which, times) => {
        const one = all[which % Math.max(1, all.length)];
        if (one === undefined) return;
        const { shares } = sharesOf([...all, { ...one, weight: one.weight * times }], chosen);
        expect(shares.at(-1)).toBeCloseTo((shares[all.indexOf(one)] ?? 0) * times, 6);
      }),
    );
  });

  test('one that stays well gets no less when another falls ill', () => {
    fc.assert(
      fc.property(endpoints, anySettings, fc.nat(), fc.boolean(), (all, chosen, which, isOut) => {
        const ill = which % Math.max(1, all.length);
        if (all[ill]?.standing !== 'well' && !(isOut && all[ill]?.standing === 'doubtful')) return;
        const before = sharesOf(all, { ...chosen, panicBelow: 0 }).shares;
        const fallen = all.map((one, index) =>
          index === ill ? { ...one, standing: isOut ? 'out' : 'doubtful' } : one,
        );
        const after = sharesOf(fallen as Sharer[], { ...chosen, panicBelow: 0 }).shares;
        for (const [index, { standing }] of all.entries()) {
          if (index === ill || standing !== 'well') continue;
          expect(after[index]).toBeGreaterThanOrEqual((before[index] ?? 0) - close);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
