/**
 * What is thought of an endpoint:
 *
 * - `well`: nothing is known against it;
 * - `doubtful`: a failure, a loss or a missing answer was not yet disproved;
 * - `out`: its circuit is not closed, so it gets no new load;
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
/** A tier keeps all load while 1 in 1.4, or 71 %, of its weight is able (Envoy's overprovisioning factor). */
const overprovisioning = 1.4;

/**
 * Shares out the load among endpoints. An endpoint's ability is its weight × warmth, a quarter of that when it is
 * doubtful, and 0 when it is out.
 *
 * - Priorities, as in Envoy: a tier takes 1.4 × the able part of its weight, at most all; the next tier gets the rest.
 *   If all tiers together take less than all, each takes more in proportion.
 * - Zones: within a tier, the own zone keeps all load while `spillOver` of its weight is able, and below that as much
 *   less as is missing. The rest goes to the other zones. The load is that of this pool: the zone's servers are not
 *   compared with those of other zones, so each zone needs servers for its own callers.
 * - Within a zone, by ability.
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
    loadOf(sumOf(tier.map((one) => (one.standing === 'well' ? one.weight : 0))), weightOf(tier)),
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
  const divide = (load: number, among: readonly Sharer[]): void => {
    const able = ableWeightOf(among);
    for (const one of among) parts.set(one, able === 0 ? 0 : load * ((abilities.get(one) ?? 0) / able));
  };
  let rest = 1;
  for (const tier of tiersOf(endpoints)) {
    const load = Math.min(rest, loadOf(ableWeightOf(tier), weightOf(tier)));
    rest -= load;
    const own = zone === undefined ? [] : tier.filter((one) => one.zone === zone);
    const others = zone === undefined ? tier : tier.filter((one) => one.zone !== zone);
    const kept = load * keptBy(ableWeightOf(own), weightOf(own), ableWeightOf(others), spillOver);
    divide(kept, own);
    divide(load - kept, others);
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

/** Which part of the whole load a tier takes. */
function loadOf(able: number, weight: number): number {
  return Math.min(1, (overprovisioning * able) / weight);
}

/** Which part of a tier's load stays in the own zone. */
function keptBy(able: number, weight: number, ableElsewhere: number, spillOver: number): number {
  if (able === 0) return 0;
  if (ableElsewhere === 0) return 1;
  return Math.min(1, able / (weight * spillOver));
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
