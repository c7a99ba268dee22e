import type { Identity } from './identity-group.js';
import type { ShownCounts } from './inventory.js';
import type { Lease } from './lease.js';
import type { PooledResource, ResourceState } from './resource.js';
import type { Tenant } from './tenant.js';

/** One connection at one instant. Times are in milliseconds. */
export interface MemberReport<R, I> {
  readonly id: number;
  /** The address of its server, without its query string. */
  readonly endpoint: string;
  /** As in the statistics: one that is being switched to another identity counts as being reset. */
  readonly state: keyof ShownCounts;
  /** How long it has been in this state; for one that a caller has to itself, how long that caller has had it. */
  readonly stateFor: number;
  /** How long ago it was opened, or its opening began. */
  readonly age: number;
  /** How often it was lent. */
  readonly uses: number;
  readonly identity: I;
  /** Undefined while it is being opened. */
  readonly resource: R | undefined;
  /** The lease that has it to itself. */
  readonly lease: Lease<R> | undefined;
  /** The leases of the single calls that share it. */
  readonly sharers: readonly Lease<R>[];
  /** The name of the tenant who has it; undefined for plain callers. */
  readonly tenant: string | undefined;
}

/** @param plain the tenant of plain callers */
export function reportOf<R, I extends Identity>(
  member: PooledResource<R, I>,
  plain: Tenant,
  now: number,
): MemberReport<R, I> {
  const { id, endpoint, state, since, begun, uses, group, resource, lease } = member;
  // There may be a thousand of them, several times a second: no object is made that is not needed.
  const sharers = member.sharers.size === 0 ? none : [...member.sharers];
  const tenant = (sharers[0] ?? lease)?.tenant;
  return {
    id,
    endpoint: endpoint.shown,
    state: shown(state),
    stateFor: now - beganOf(member),
    age: now - (state === 'opening' ? begun : since),
    uses,
    identity: group.identity,
    resource,
    lease,
    sharers,
    tenant: tenant === plain ? undefined : tenant?.name,
  };
}

const none: readonly never[] = [];

function shown(state: ResourceState): keyof ShownCounts {
  if (state === 'changing') return 'resetting';
  return state === 'closed' ? 'closing' : state;
}

function beganOf({ state, begun, idleSince, lease, leasedAt, stepBegan }: PooledResource<unknown>): number {
  if (state === 'opening') return begun;
  if (state === 'idle') return idleSince;
  // While callers wait, a connection goes from one lease to the next without a moment between.
  return state === 'leased' ? (lease?.since ?? leasedAt) : stepBegan;
}
