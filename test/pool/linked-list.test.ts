import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Linked, LinkedList } from '../../src/pool/linked-list.js';

class Member implements Linked<Member> {
  previous: Member | undefined;
  next: Member | undefined;

  constructor(readonly name: number) {}
}

function forwards(list: LinkedList<Member>): number[] {
  const names: number[] = [];
  for (let member = list.first; member !== undefined; member = member.next) names.push(member.name);
  return names;
}

function backwards(list: LinkedList<Member>): number[] {
  const names: number[] = [];
  for (let member = list.last; member !== undefined; member = member.previous) names.push(member.name);
  return names;
}

test('the list holds what an array would hold, in both directions, whatever joins and leaves it', () => {
  const commands = fc.array(fc.record({ join: fc.boolean(), which: fc.nat(30) }), { maxLength: 80 });
  fc.assert(
    fc.property(commands, (steps) => {
      const list = new LinkedList<Member>();
      const array: Member[] = [];
      const left: Member[] = [];
      let last = 0;
      for (const { join, which } of steps) {
        if (join || array.length === 0) {
          // One in three who join was a member before: leaving must have cleared its links.
          const member = (which % 3 === 0 ? left.pop() : undefined) ?? new Member(++last);
          list.append(member);
          array.push(member);
        } else {
          for (const member of array.splice(which % array.length, 1)) {
            list.remove(member);
            left.push(member);
          }
        }
        const names = array.map((member) => member.name);
        expect(forwards(list)).toEqual(names);
        expect(backwards(list)).toEqual(names.toReversed());
        expect(list.length).toBe(array.length);
      }
    }),
  );
});

test('a member that left holds nobody alive: its links are gone', () => {
  const list = new LinkedList<Member>();
  const [one, two, three] = [new Member(1), new Member(2), new Member(3)];
  for (const member of [one, two, three]) list.append(member);
  list.remove(two);
  expect([two.previous, two.next]).toEqual([undefined, undefined]);
});
