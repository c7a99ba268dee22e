import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Deadlines } from '../../src/pool/deadlines.js';
import { Place } from '../../src/pool/linked-list.js';
import { VirtualClock } from '../support/virtual-clock.js';

class Waiter {
  readonly deadline: number;
  readonly expiry: Place<Waiter> = new Place(this);
  graceUntil: number | undefined = undefined;

  constructor(
    readonly since: number,
    readonly timeout: number,
  ) {
    this.deadline = timeout === 0 ? Number.POSITIVE_INFINITY : since + timeout;
  }
}

interface Expired {
  readonly waiter: Waiter;
  readonly at: number;
}

function underTest(whenExpired: (waiter: Waiter) => void = () => {}) {
  const clock = new VirtualClock();
  const expired: Expired[] = [];
  const deadlines = new Deadlines<Waiter>(clock, (waiter) => {
    deadlines.remove(waiter);
    expired.push({ waiter, at: clock.now() });
    whenExpired(waiter);
  });
  const add = (timeout: number): Waiter => {
    const waiter = new Waiter(clock.now(), timeout);
    deadlines.add(waiter);
    return waiter;
  };
  return { clock, deadlines, expired, add };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), timeout: fc.constantFrom(0, 1, 7, 50, 50, 50, 400, 10_000) }),
  fc.record({ do: fc.constant('remove' as const), which: fc.nat(30) }),
  fc.record({ do: fc.constant('advance' as const), duration: fc.constantFrom(0, 1, 6, 49, 50, 1000) }),
);

describe('whatever comes, leaves and expires', () => {
  test('each waiter expires once, exactly at its deadline, unless it left before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, deadlines, expired, add } = underTest();
        let waiting: Waiter[] = [];
        const due: Expired[] = [];
        for (const chosen of steps) {
          if (chosen.do === 'add') {
            waiting.push(add(chosen.timeout));
          } else if (chosen.do === 'remove') {
            for (const waiter of waiting.splice(chosen.which, 1)) deadlines.remove(waiter);
          } else {
            await clock.advance(chosen.duration);
            const passed = waiting.filter(({ deadline }) => deadline <= clock.now());
            waiting = waiting.filter(({ deadline }) => deadline > clock.now());
            due.push(...passed.map((waiter) => ({ waiter, at: waiter.deadline })));
          }
          expect(new Set(expired)).toEqual(new Set(due));
          expect(expired.length).toBe(due.length);
          expect(clock.pending, 'one timer for all').toBeLessThanOrEqual(1);
          const finite = waiting.some(({ timeout }) => timeout > 0);
          expect(clock.pending, 'and none for nobody').toBe(finite ? 1 : 0);
        }
      }),
    );
  });

  test('waiters expire in the order of their deadlines, whatever the order they came in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 2, maxLength: 60 }),
        async (timeouts) => {
          const { clock, expired, add } = underTest();
          for (const timeout of timeouts) add(timeout);
          await clock.advance(2000);
          const deadlines = expired.map(({ waiter }) => waiter.deadline);
          expect(deadlines).toEqual(timeouts.toSorted((one, other) => one - other));
          expect(expired.every(({ waiter, at }) => at === waiter.deadline)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});

test('ten thousand waiters have one timer', () => {
  const { clock, add } = underTest();
  for (let count = 0; count < 10_000; count++) add(1000 + (count % 7));
  expect(clock.pending).toBe(1);
});

test('who waits for ever has no timer', () => {
  const { clock, add } = underTest();
  add(0);
  add(Number.POSITIVE_INFINITY);
  expect(clock.pending).toBe(0);
});

test('a timer that fires early, as Node fires those of more than 24 days, expires nobody and is armed again', async () => {
  const { clock, expired, add } = underTest();
  const timer = clock.timer.bind(clock);
  clock.timer = (delay, holds, callback) => timer(Math.min(delay, 1000), holds, callback);
  add(2500);
  await clock.advance(2499);
  expect(expired).toEqual([]);
  await clock.advance(1);
  expect(expired.length).toBe(1);
  expect(clock.pending).toBe(0);
});

test('after the process stood still all whose time is over expire together, late', async () => {
  const { clock, expired, add } = underTest();
  for (const timeout of [50, 10, 50, 3000]) add(timeout);
  await clock.leap(1000);
  expect(expired.map(({ waiter }) => waiter.timeout).toSorted()).toEqual([10, 50, 50]);
});

describe('after the event loop was blocked', () => {
  test.each([
    ['a quarter of the timeout', 1500, [1000], [1750]],
    ['as long as the timer was late, when that is less', 1100, [1000], [1200]],
    ['each its own, of several timeouts', 1500, [800, 1000, 1400], [1700, 1750, 1850]],
    ['a part of a short timeout', 80, [50], [92.5]],
    ['none after a block longer than twice the timeout', 2100, [1000], [2100]],
    ['none after a block longer than twice a short timeout', 150, [50, 1000], [150, 1000]],
    ['none when the timer is late by no more than a moment', 1010, [1000], [1010]],
  ])('the grace is %s', async (_what, blocked, timeouts, ends) => {
    const { clock, expired, add } = underTest();
    for (const timeout of timeouts) add(timeout);
    await clock.leap(blocked);
    await clock.advance(10_000);
    expect(expired.map(({ at }) => at)).toEqual(ends);
    expect(clock.pending).toBe(0);
  });

  test('the grace is given once', async () => {
    const { clock, expired, add } = underTest();
    add(1000);
    await clock.leap(1500);
    await clock.leap(300);
    expect(expired.map(({ at }) => at)).toEqual([1800]);
  });

  test('who leaves in the grace is not told, and leaves no timer', async () => {
    const { clock, deadlines, expired, add } = underTest();
    const [gone, stays] = [add(1000), add(1000)];
    await clock.leap(1500);
    deadlines.remove(gone);
    await clock.advance(1000);
    expect(expired).toEqual([{ waiter: stays, at: 1750 }]);
    expect(clock.pending).toBe(0);
  });

  test('whatever comes, leaves and blocks: each is told once, at its deadline, or in a quarter of its timeout after a block', async () => {
    const leap = fc.record({ do: fc.constant('leap' as const), duration: fc.constantFrom(5, 30, 60, 450, 2000) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(step, leap), { maxLength: 60 }), async (steps) => {
        const { clock, deadlines, expired, add } = underTest();
        const waiting = new Map<Waiter, { latest: number; blocked: boolean }>();
        for (const chosen of steps) {
          if (chosen.do === 'add') {
            const waiter = add(chosen.timeout);
            waiting.set(waiter, { latest: waiter.deadline, blocked: false });
          } else if (chosen.do === 'remove') {
            const waiter = [...waiting.keys()][chosen.which];
            if (waiter !== undefined && waiting.delete(waiter)) deadlines.remove(waiter);
          } else if (chosen.do === 'advance') {
            await clock.advance(chosen.duration);
          } else {
            const now = clock.now() + chosen.duration;
            for (const [waiter, bound] of waiting) {
              if (bound.latest > now) continue;
              // Late in any case; a grace only for the first time, and while it has not lost its whole timeout again.
              const graced = !bound.blocked && now < waiter.deadline + waiter.timeout;
              bound.latest = graced ? now + waiter.timeout / 4 : now;
              bound.blocked = true;
            }
            await clock.leap(chosen.duration);
          }
          for (const { waiter, at } of expired.splice(0)) {
            const bound = waiting.get(waiter);
            expect(waiting.delete(waiter), 'once, and nobody who left').toBe(true);
            expect(at).toBeGreaterThanOrEqual(waiter.deadline);
            expect(at).toBeLessThanOrEqual(bound?.latest ?? 0);
          }
          for (const { latest } of waiting.values()) expect(latest, 'nobody waits longer').toBeGreaterThan(clock.now());
          const finite = [...waiting.keys()].some(({ timeout }) => timeout > 0);
          expect(clock.pending, 'one timer, and none for nobody').toBe(finite ? 1 : 0);
        }
      }),
    );
  });
});

describe('whoever is told of an expiry may at once', () => {
  test('add the same waiter anew', async () => {
    let again = 3;
    const { clock, expired, add } = underTest(() => {
      if (--again > 0) add(50);
    });
    add(50);
    await clock.advance(500);
    expect(expired.map(({ at }) => at)).toEqual([50, 100, 150]);
    expect(clock.pending).toBe(0);
  });

  test('remove others that would expire in the same moment', async () => {
    const others: Waiter[] = [];
    const { clock, deadlines, expired, add } = underTest(() => {
      for (const other of others.splice(0)) deadlines.remove(other);
    });
    add(50);
    others.push(add(50), add(50));
    await clock.advance(50);
    expect(expired.length).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('remove the last other one with the same timeout and add a new one: it expires too', async () => {
    const others: Waiter[] = [];
    const { clock, deadlines, expired, add } = underTest(() => {
      for (const other of others.splice(0)) {
        deadlines.remove(other);
        add(50);
      }
    });
    add(50);
    others.push(add(50));
    await clock.advance(1000);
    expect(expired.map(({ at }) => at)).toEqual([50, 100]);
  });

  test('remove everybody, with a longer timeout too: no timer is left', async () => {
    const others: Waiter[] = [];
    const { clock, deadlines, add } = underTest(() => {
      for (const other of others.splice(0)) deadlines.remove(other);
    });
    others.push(add(5000));
    add(10);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
  });

  test('do all this in any order: everybody still expires exactly when due, and no timer is left', async () => {
    const reaction = fc.record({ remove: fc.boolean(), which: fc.nat(10), timeout: fc.constantFrom(10, 50, 400) });
    const timeouts = fc.array(fc.constantFrom(10, 50, 50, 400), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(timeouts, fc.array(fc.array(reaction, { maxLength: 4 })), async (first, reactions) => {
        const waiting = new Set<Waiter>();
        const next = reactions.values();
        const { clock, deadlines, expired, add } = underTest((waiter) => {
          expect(waiting.delete(waiter), 'nobody expires twice, or after leaving').toBe(true);
          for (const { remove, which, timeout } of next.next().value ?? []) {
            const leaving = [...waiting][which % Math.max(1, waiting.size)];
            if (!remove) waiting.add(add(timeout));
            else if (leaving !== undefined) {
              waiting.delete(leaving);
              deadlines.remove(leaving);
            }
          }
        });
        for (const timeout of first) waiting.add(add(timeout));
        while (waiting.size > 0 && clock.now() < 10_000) {
          await clock.advance(10);
          expect(clock.pending, 'one timer, and none for nobody').toBe(waiting.size > 0 ? 1 : 0);
        }
        expect([...waiting]).toEqual([]);
        expect(expired.every(({ waiter, at }) => at === waiter.deadline)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
