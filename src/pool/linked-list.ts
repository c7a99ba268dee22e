/** What a member of a {@link LinkedList} carries: it is its own node, so joining and leaving allocate nothing. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** An intrusive doubly linked list: append, remove anywhere, first and last in O(1). A member is in one list at most. */
export class LinkedList<T extends Linked<T>> {
  first: T | undefined;
  last: T | undefined;
  length = 0;

  append(member: T): void {
    member.previous = this.last;
    if (this.last === undefined) this.first = member;
    else this.last.next = member;
    this.last = member;
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
