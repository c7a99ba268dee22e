import type { Endpoint } from '../endpoints/endpoint.js';
import type { CloseReason } from './close-reason.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Lease, Lent } from './lease.js';
import { type Linked, Place } from './linked-list.js';

/**
 * The state of a connection:
 *
 *     opening ──▶ idle ◀──▶ leased ──▶ resetting ──▶ idle
 *        │        │▲ ▲        │            │
 *        │        ▼│ ▼        │            │
 *        │  validating changing            │
 *        ▼        ▼    ▼      ▼            ▼
 *        └────────┴────┴── closing ────────┘ ──▶ closed
 *
 * `opening`, `validating`, `changing` and `resetting` are steps with a deadline. All but the last two count as
 * connections of the pool; `closing` is counted apart, as its place is already free.
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
  /** The lease that has it to itself. */
  lease: Lease<R> | undefined = undefined;
  /** The leases of the single calls that share it. */
  readonly sharers: Set<Lease<R>> = new Set();
  /** How many of its seats are taken. */
  seatsTaken = 0;
  /** Whether it is lent to single calls and has a free seat: then `sharing` is in a list. */
  hasRoom = false;

  /** When opening began; once it succeeded, when it succeeded. Its age counts from here. */
  since: number;
  /** When opening began. */
  readonly begun: number;
  /** When its present step began, unless that is its opening. */
  stepBegan = 0;
  /** Set when its present or last probe is its first, made because the server was suspect when it was opened. */
  unproven = false;
  /** End of its lifetime, drawn once when it was opened. */
  expiresAt: number = Number.POSITIVE_INFINITY;
  /** When it last became idle. */
  idleSince = 0;
  /** When it last worked: opened, given back, or probed. */
  provenAt = 0;
  /** Until when it stays with the identity that it was switched to, though a waiter of another one comes first. */
  staysUntil = 0;
  /** It is idle, and the callers who were answered on it last may come back in this turn of the event loop. */
  expectsCallers = false;
  leasedAt = 0;
  /** Its lease was reported as held too long. */
  overdue = false;
  /** Its lease was reported as idle. */
  reportedIdle = false;
  uses = 0;
  /** Set when it is to be closed instead of becoming idle again, but cannot be closed yet. */
  retirement: CloseReason | undefined = undefined;
  /** When it is closed, another one is opened for it, though no caller may wait. */
  isReplaced = false;
  /** Fails the step under way (open, probe, reset) at once. */
  abandon: ((reason: Error) => void) | undefined = undefined;

  previous: PooledResource<R, I> | undefined = undefined;
  next: PooledResource<R, I> | undefined = undefined;
  /** Its place among the idle connections of its identity. */
  readonly place: Place<PooledResource<R, I>> = new Place(this);

  /** Its place among the connections of its identity with a free seat. */
  readonly sharing: Place<PooledResource<R, I>> = new Place(this);

  constructor(
    readonly id: number,
    /** Where it is, for its whole life. */
    readonly endpoint: Endpoint,
    public group: IdentityGroup<I>,
    /** Connections of an older generation than the pool's are never lent again. */
    readonly generation: number,
    now: number,
  ) {
    this.since = now;
    this.begun = now;
  }

  /** Whether it has been opened, and is not being closed. */
  get isOpen(): boolean {
    const { state } = this;
    return state !== 'opening' && state !== 'closing' && state !== 'closed';
  }
}
