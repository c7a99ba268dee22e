/** A member of a {@link LinkedList}. It is its own node, so adding and removing allocate nothing. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A node for a second list, for an object that is itself the node of another list. */
export class Place<T> implements Linked<Place<T>> {
  previous: Place<T> | undefined;
  next: Place<T> | undefined;

  constructor(readonly owner: T) {}
}

/** An intrusive doubly linked list: append, remove anywhere, first and last in O(1). A member is in one list at most. */
export class LinkedList<T extends Linked<T>> {
  first: T | undefined;
  last: T | undefined;
  length = 0;

  append(member: T): void {
    this.insert(member, this.last);
  }

  /** Inserts a member behind another; undefined inserts it first. */
  insert(member: T, before: T | undefined): void {
    const after = before === undefined ? this.first : before.next;
    member.previous = before;
    member.next = after;
    if (before === undefined) this.first = member;
    else before.next = member;
    if (after === undefined) this.last = member;
    else after.previous = member;
    this.length++;
  }

  remove(member: T): void {
    if (member.previous === undefined) this.first = member.next;
    else member.previous.next = member.next;
    if (member.next === undefined) this.last = member.previous;
    else member.next.previous = member.previous;
    member.previous = undefined;
    member.next = undefined;
    this.length--;
  }
}
