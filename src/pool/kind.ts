import { LinkedList, type Place } from './linked-list.js';
import type { Slot } from './slot.js';
import type { Waiter } from './waiter.js';

/** What a connection is opened as. Connections whose identities have the same key can stand for each other. */
export interface Identity {
  readonly key: string;
}

/**
 * The connections of one identity, and those who wait for one. A pool has one kind of its own, its home, and others for
 * as long as somebody has or wants a connection of theirs.
 */
export class Kind<R, I extends Identity> {
  /** Idle ones, the one used last at the end: it is lent first. */
  readonly idle: LinkedList<Place<Slot<R, I>>> = new LinkedList();
  /** In the order they came. */
  readonly waiters: LinkedList<Place<Waiter<R, I>>> = new LinkedList();
  /** Connections that are, or are becoming, of this kind. */
  connections = 0;
  /** Of these, being opened. */
  opening = 0;
  /** Of these, being probed, or made into one of this kind: each will be idle soon, or closed. */
  preparing = 0;

  constructor(readonly identity: I) {}

  get newestIdle(): Slot<R, I> | undefined {
    return this.idle.last?.owner;
  }

  get inUse(): boolean {
    return this.connections > 0 || this.waiters.length > 0;
  }
}
