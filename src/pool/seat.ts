import type { Identity } from './identity-group.js';
import type { PooledResource } from './resource.js';
import type { Tenant } from './tenant.js';

/**
 * A place on a connection lent to single calls: one message to the server. Calls that may share a message share the
 * seat; the seat is free again when the last of them was answered.
 *
 *     connection ──┬── seat: call
 *                  ├── seat: call call call      (joined: they go in one message)
 *                  └── free
 */
export class Seat<R, I extends Identity = Identity> {
  /** Calls that hold it. */
  calls = 0;
  /** Whether further calls may join: true until its message is sent. */
  open: boolean;

  constructor(
    readonly member: PooledResource<R, I>,
    /** Whose calls it carries: those of two tenants share no message. */
    readonly tenant: Tenant,
    /** Whether its calls may share a message with others. */
    readonly joins: boolean,
  ) {
    this.open = joins;
  }

  /** Its message is being sent: further calls cannot join. */
  close(): void {
    this.open = false;
  }
}
