import type { Identity } from './identity-group.js';
import type { PooledResource } from './resource.js';

/**
 * A place on a connection that is lent to single calls: one message to the server. Calls that may go in a message with
 * others share it; the place is free again when the last of them was answered.
 *
 *     connection ──┬── seat: call
 *                  ├── seat: call call call      (joined: they go in one message)
 *                  └── free
 */
export class Seat<R, I extends Identity = Identity> {
  /** Calls that hold it. */
  calls = 0;
  /** Whether further calls may join: until its message is sent. */
  open: boolean;

  constructor(
    readonly member: PooledResource<R, I>,
    /** Whether its calls may go in a message with others. */
    readonly joins: boolean,
  ) {
    this.open = joins;
  }

  /** Its message is being sent: no further call joins. */
  close(): void {
    this.open = false;
  }
}
