import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpiryWheel } from '../../src/pool/expiry-wheel.js';

interface Member {
  readonly expiresAt: number;
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), after: fc.constantFrom(0, 1, 999, 1000, 1001, 5000, 90_000, Infinity) }),
  fc.record({ do: fc.constant('remove' as const), which: fc.nat(30) }),
  fc.record({ do: fc.constant('take' as const), after: fc.constantFrom(0, 1, 500, 999, 1000, 3000, 200_000) }),
);

test('whoever expired is taken out exactly once: never early, at most one second late', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.array(step, { maxLength: 80 }), (start, steps) => {
      let now = start;
      const wheel = new ExpiryWheel<Member>(now);
      const members: Member[] = [];
      for (const chosen of steps) {
        if (chosen.do === 'add') {
          const member = { expiresAt: now + chosen.after };
          members.push(member);
          wheel.add(member);
        } else if (chosen.do === 'remove') {
          for (const member of members.splice(chosen.which, 1)) wheel.remove(member);
        } else {
          now += chosen.after;
          const taken = wheel.takeExpired(now);
          for (const member of taken) {
            expect(member.expiresAt, 'never early').toBeLessThan(now);
            expect(members, 'only members, and only once').toContain(member);
            members.splice(members.indexOf(member), 1);
          }
          for (const { expiresAt } of members) expect(expiresAt, 'at most a second late').toBeGreaterThan(now - 1000);
        }
      }
    }),
  );
});

test('a member that never expires costs nothing and may be removed all the same', () => {
  const wheel = new ExpiryWheel<Member>(0);
  const forever = { expiresAt: Number.POSITIVE_INFINITY };
  wheel.add(forever);
  expect(wheel.takeExpired(1e9)).toEqual([]);
  wheel.remove(forever);
});

test('a member that had expired before it came is taken out with the second that runs', () => {
  const wheel = new ExpiryWheel<Member>(10_000);
  const late = { expiresAt: 4000 };
  wheel.add(late);
  expect(wheel.takeExpired(10_999)).toEqual([]);
  expect(wheel.takeExpired(11_000)).toEqual([late]);
});

test('a process that stood still for a month loses nobody', () => {
  const wheel = new ExpiryWheel<Member>(0);
  const members = [{ expiresAt: 5000 }, { expiresAt: 29 * 86_400_000 }];
  for (const member of members) wheel.add(member);
  expect(wheel.takeExpired(30 * 86_400_000)).toEqual(members);
});
