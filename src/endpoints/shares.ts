/**
 * What an endpoint may be used for:
 *
 * - `well`: nothing is known against it;
 * - `doubtful`: a failure, a lost connection or a missing answer is not yet disproved, or it fails and no other endpoint serves;
 * - `out`: it fails and another one serves, so it gets no new load;
 * - `draining`: an operator, or the list of endpoints, took it away.
 */
export type Standing = 'well' | 'doubtful' | 'out' | 'draining';

/** What the share of an endpoint depends on. */
export interface Sharer {
  /** Its part of the load beside the others, above 0. */
  readonly weight: number;
  /** Those with the smallest number get the load; others only what those cannot bear. */
  readonly priority: number;
  readonly zone: string | undefined;
  readonly standing: Standing;
  /** Which part of its weight counts while it starts slowly, above 0 to 1. It is 1 for all that a new pool begins with. */
  readonly warm: number;
}

export interface ShareSettings {
  /** The pool's own zone: its endpoints get the load while they can bear it; undefined: zones do not count. */
  readonly zone: string | undefined;
  /** Which part of the own zone's weight must be well to keep all load there, from 0 (any) to 1 (all of it). */
  readonly spillOver: number;
  /** When fewer than this part of the endpoints are well, doubtful ones count as well; 0: never. */
  readonly panicBelow: number;
}

export interface Shares {
  /** One for each endpoint, in their order; they add up to the number of those that do not drain. */
  readonly shares: readonly number[];
  /** Whether too few are well, so that doubtful ones count as well. */
  readonly panicked: boolean;
}

/** Of its weight, a doubtful endpoint keeps this part: enough to show that it is well. */
const doubtfulPart = 0.25;
/** A tier keeps all load while 71 % of its weight is able (Envoy's overprovisioning factor of 1.4). */
const enoughOfTier = 1 / 1.4;

/**
 * Shares out the load among endpoints. An endpoint's ability is its weight × warmth, a quarter of that when it is
 * doubtful, and 0 when it is out.
 *
 * - Priorities, as in Envoy: a tier takes 1.4 × the able part of its weight, at most all; the next tier gets the rest.
 *   If all tiers together take less than all, each takes more in proportion.
 * - Zones: the own zone's endpoints of a tier come before the others of that tier. They take all load while `spillOver`
 *   of their weight is able, and below that as much less as is missing. The load is that of this pool, and zones are not
 *   compared, so each zone needs servers for its own callers.
 * - Within these, by ability.
 * - Panic, as in Envoy: if fewer than `panicBelow` of the endpoints are well and the tiers cannot take all, doubtful ones
 *   count as well. The few well ones would otherwise get the load of all, and fail under it.
 * - If all are out, each gets its weight, so that something is tried. Those that drain get nothing.
 *
 * Except by panic, no endpoint that stays well gets less of the whole when another one falls ill.
 */
export function sharesOf(endpoints: readonly Sharer[], settings: ShareSettings): Shares {
  const staying = endpoints.filter(({ standing }) => standing !== 'draining');
  const panicked = isPanic(staying, settings.panicBelow);
  const parts = partsOf(staying, panicked ? 1 : doubtfulPart, settings);
  const sum = sumOf(parts.values());
  return { shares: endpoints.map((endpoint) => ((parts.get(endpoint) ?? 0) / sum) * staying.length || 0), panicked };
}

function isPanic(endpoints: readonly Sharer[], panicBelow: number): boolean {
  const well = endpoints.filter(({ standing }) => standing === 'well');
  if (well.length >= panicBelow * endpoints.length) return false;
  const taken = tiersOf(endpoints).map((tier) =>
    loadOf(sumOf(tier.map((one) => (one.standing === 'well' ? one.weight : 0))), weightOf(tier), enoughOfTier),
  );
  return sumOf(taken) < 1;
}

function partsOf(
  endpoints: readonly Sharer[],
  doubtful: number,
  { zone, spillOver }: ShareSettings,
): ReadonlyMap<Sharer, number> {
  const abilities = new Map(endpoints.map((endpoint) => [endpoint, abilityOf(endpoint, doubtful)] as const));
  const ableWeightOf = (some: readonly Sharer[]): number => sumOf(some.map((one) => abilities.get(one) ?? 0));
  if (ableWeightOf(endpoints) === 0) return new Map(endpoints.map((endpoint) => [endpoint, endpoint.weight]));

  const parts = new Map<Sharer, number>();
  let rest = 1;
  for (const { members, enough } of groupsOf(endpoints, zone, spillOver)) {
    const able = ableWeightOf(members);
    const load = Math.min(rest, loadOf(able, weightOf(members), enough));
    rest -= load;
    for (const one of members) parts.set(one, able === 0 ? 0 : load * ((abilities.get(one) ?? 0) / able));
  }
  return parts;
}

function abilityOf({ weight, warm, standing }: Sharer, doubtful: number): number {
  switch (standing) {
    case 'well':
      return weight * warm;
    case 'doubtful':
      return weight * warm * doubtful;
    default:
      return 0;
  }
}

/** Which part of the whole load a group takes: all while `enough` of its weight is able. */
function loadOf(able: number, weight: number, enough: number): number {
  return able === 0 ? 0 : Math.min(1, able / (weight * enough));
}

/** Those that take the load together, and in this order: of each tier the own zone, then the others. */
function groupsOf(
  endpoints: readonly Sharer[],
  zone: string | undefined,
  spillOver: number,
): readonly { readonly members: readonly Sharer[]; readonly enough: number }[] {
  return tiersOf(endpoints).flatMap((tier) => {
    if (zone === undefined) return [{ members: tier, enough: enoughOfTier }];
    return [
      { members: tier.filter((one) => one.zone === zone), enough: spillOver },
      { members: tier.filter((one) => one.zone !== zone), enough: enoughOfTier },
    ];
  });
}

/** Those of equal priority, the smallest number first. */
function tiersOf(endpoints: readonly Sharer[]): readonly (readonly Sharer[])[] {
  const priorities = [...new Set(endpoints.map(({ priority }) => priority))].sort((one, other) => one - other);
  return priorities.map((priority) => endpoints.filter((endpoint) => endpoint.priority === priority));
}

function weightOf(endpoints: readonly Sharer[]): number {
  return sumOf(endpoints.map(({ weight }) => weight));
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
