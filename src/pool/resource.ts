import type { CloseReason } from './close-reason.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Lease, Lent } from './lease.js';
import { type Linked, Place } from './linked-list.js';

/**
 * The one word that says where a connection is in its life:
 *
 *     opening ──▶ idle ◀──▶ leased ──▶ resetting ──▶ idle
 *        │        │▲ ▲        │            │
 *        │        ▼│ ▼        │            │
 *        │  validating changing            │
 *        ▼        ▼    ▼      ▼            ▼
 *        └────────┴────┴── closing ────────┘ ──▶ closed
 *
 * `opening`, `validating`, `changing` and `resetting` are steps with a deadline. All but the last two words count as
 * connections of the pool; `closing` is counted apart: its place is free already.
 */
export type ResourceState =
  | 'opening'
  | 'idle'
  | 'validating'
  /** An idle connection is being switched to another identity. */
  | 'changing'
  | 'leased'
  | 'resetting'
  | 'closing'
  | 'closed';

/** The pool's record of one connection. Only the inventory moves it from state to state. */
export class PooledResource<R, I extends Identity = Identity> implements Linked<PooledResource<R, I>>, Lent<R> {
  state: ResourceState = 'opening';
  /** Set once, when opening succeeded. */
  resource: R | undefined = undefined;
  /** The lease that has it for itself. */
  lease: Lease<R> | undefined = undefined;
  /** The leases of the single calls that share it, while it is lent to single calls. */
  readonly sharers: Set<Lease<R>> = new Set();
  /** How many of its seats are taken. */
  seatsTaken = 0;
  /** Whether it is lent to single calls and has a seat to spare: then `sharing` stands in a list. */
  hasRoom = false;

  /** When opening began, then when it succeeded: the start of its age. */
  since: number;
  /** When opening began. */
  readonly begun: number;
  /** The probe that it is given, or was given last, is its first: it is new, and openings proved little. */
  unproven = false;
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
  retirement: CloseReason | undefined = undefined;
  /** Ends the step under way (open, probe, reset) at once, as failed. */
  abandon: ((reason: Error) => void) | undefined = undefined;

  previous: PooledResource<R, I> | undefined = undefined;
  next: PooledResource<R, I> | undefined = undefined;
  /** Where it stands among the idle ones of its identity. */
  readonly place: Place<PooledResource<R, I>> = new Place(this);

  /** Where it stands among those of its identity that have a seat to spare. */
  readonly sharing: Place<PooledResource<R, I>> = new Place(this);

  constructor(
    readonly id: number,
    public group: IdentityGroup<I>,
    /** Connections of an older generation than the pool's are never lent again. */
    readonly generation: number,
    now: number,
  ) {
    this.since = now;
    this.begun = now;
  }
}
