import type { Identity, Kind } from './kind.js';
import type { Lease } from './lease.js';
import { type Linked, Place } from './linked-list.js';

/**
 * The one word that says where a connection is in its life:
 *
 *     opening ──▶ idle ◀──▶ leased ──▶ resetting
 *        │        │ ▲         │        │     │
 *        │        ▼ │         │        │     └──▶ idle
 *        │     validating     │        │
 *        ▼        ▼           ▼        ▼
 *        └────────┴── closing ┴────────┘ ──▶ closed
 *
 * An idle connection that becomes one of another identity passes through `resetting` too. `opening` to `resetting` count
 * as connections of the pool; `closing` is counted apart: its place is free already.
 */
export type SlotState = 'opening' | 'idle' | 'validating' | 'leased' | 'resetting' | 'closing' | 'closed';

/** Why a connection was closed. */
export type CloseReason =
  /** Idle for longer than `idleTimeout`, above the minimum. */
  | 'idle'
  /** Older than its share of `maxLifetime`. */
  | 'lifetime'
  /** Lent `recycleAfterUses` times. */
  | 'uses'
  /** Marked by its user, or by `recycleAll()`. */
  | 'recycled'
  /** The probe before lending failed or did not answer. */
  | 'probe-failed'
  /** It could not be made clean after a lease, or into one of another identity. */
  | 'reset-failed'
  /** It died by itself: its socket was closed. */
  | 'died'
  /** A call on it was given up: its deadline passed, or its signal was aborted. */
  | 'cut-off'
  /** Its session was over, and could not be signed in again. */
  | 'signed-out'
  /** The pool was made smaller. */
  | 'resized'
  /** The pool was shut down. */
  | 'shutdown'
  /** Its lease was still held when the shutdown's grace period ended. */
  | 'aborted';

export const closeReasons: readonly CloseReason[] = [
  'idle',
  'lifetime',
  'uses',
  'recycled',
  'probe-failed',
  'reset-failed',
  'died',
  'cut-off',
  'signed-out',
  'resized',
  'shutdown',
  'aborted',
];

/** The pool's record of one connection. Only the pool writes to it. */
export class Slot<R, I extends Identity = Identity> implements Linked<Slot<R, I>> {
  state: SlotState = 'opening';
  /** Being reset not after a lease, but to become one of its kind, which it was not before. */
  changing = false;
  /** Set once, when opening succeeded. */
  resource: R | undefined;
  lease: Lease<R> | undefined;

  /** When opening began, then when it succeeded: the start of its age. */
  since: number;
  /** End of its lifetime, drawn once at birth. */
  expiresAt: number = Number.POSITIVE_INFINITY;
  /** When it last became idle. */
  idleSince = 0;
  /** When it last showed that it works: opened, given back, or probed. */
  provenAt = 0;
  leasedAt = 0;
  /** Its lease was reported as held too long. */
  overdue = false;
  /** Its lease was reported as held for nothing. */
  reportedIdle = false;
  uses = 0;
  /** Decided while it cannot be carried out yet: it is closed instead of becoming idle again. */
  retirement: CloseReason | undefined;
  /** Ends the step under way (open, probe, reset) at once, as failed. */
  abandon: ((reason: Error) => void) | undefined;

  previous: Slot<R, I> | undefined;
  next: Slot<R, I> | undefined;
  /** Where it stands among the idle ones of its kind. */
  readonly place: Place<Slot<R, I>> = new Place(this);

  constructor(
    readonly id: number,
    public kind: Kind<R, I>,
    /** Those of an older generation than the pool's are never lent again. */
    readonly generation: number,
    now: number,
  ) {
    this.since = now;
  }
}
