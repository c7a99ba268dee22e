import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnreadRequests } from '../../src/wire/unread-requests.js';

test('the only call under way is known at once', () => {
  expect(new UnreadRequests().told(['1'])).toEqual(['1']);
});

test('of several it is known when the others are answered', () => {
  const unread = new UnreadRequests();
  expect(unread.told(['1', '2', '3'])).toEqual([]);
  expect(unread.answered('2')).toEqual([]);
  expect(unread.answered('1')).toEqual(['3']);
  expect(unread.answered('3'), 'and it is told once').toEqual([]);
});

test('one that was begun later cannot be it', () => {
  const unread = new UnreadRequests();
  expect(unread.told(['1', '2'])).toEqual([]);
  expect(unread.answered('3')).toEqual([]);
  expect(unread.answered('2')).toEqual(['1']);
});

test('a server that cannot read what was never sent changes nothing', () => {
  const unread = new UnreadRequests();
  expect(unread.told([])).toEqual([]);
  expect(unread.told(['1', '2'])).toEqual([]);
  expect(unread.answered('1')).toEqual(['2']);
});

test('whatever the order: exactly those that were not read, once the others are answered', () => {
  const calls = fc.array(fc.record({ readable: fc.boolean(), sentAt: fc.nat(20), toldAt: fc.nat(20) }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(calls, (all) => {
      const unread = new UnreadRequests();
      const underWay = new Map<string, boolean>();
      const found: string[] = [];
      const take = (ids: string[]): void => {
        for (const id of ids) underWay.delete(id);
        found.push(...ids);
      };
      const steps = all.flatMap(({ readable, sentAt, toldAt }, index) => [
        { at: sentAt, does: () => underWay.set(String(index), readable) },
        {
          at: sentAt + toldAt + 0.5,
          does: () => {
            if (!readable) return take(unread.told(underWay.keys()));
            underWay.delete(String(index));
            take(unread.answered(String(index)));
          },
        },
      ]);
      for (const { does } of steps.sort((one, other) => one.at - other.at)) does();
      const malformed = all.flatMap(({ readable }, index) => (readable ? [] : [String(index)]));
      expect(found.sort()).toEqual(malformed.sort());
    }),
  );
});
