import type { Endpoint } from '../endpoints/endpoint.js';
import type { Timer } from '../time/clock.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { Lifecycle } from './lifecycle.js';
import type { PoolParts } from './parts.js';
import type { PooledResource } from './resource.js';
import type { Expected } from './sizing.js';
import { slowAtLeast, slowness } from './slowness.js';
import type { WaitingLine } from './waiting-line.js';
import type { WarmUp } from './warm-up.js';

/** After refusing an acquire the pool acts as if a caller waited, for this many milliseconds. */
const askedFor = 2000;

/** The parts of a pool that opening needs. */
export interface OpeningParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly line: WaitingLine<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  readonly warmUp: WarmUp;
  /** Something has changed: match waiters and connections again. */
  readonly dispatch: () => void;
}

/**
 * Opens the connections that are wanted: for which identity, at which endpoint, and when.
 *
 *     one endpoint       there, unless its pause, or openings under way, forbid it now
 *     several            at the well one with the fewest connections for its share; and besides, one attempt at a time
 *                        at each that is not well, on which no waiter is made to count
 */
export class Openings<R, I extends Identity> {
  readonly #parts: OpeningParts<R, I>;
  #lastAsked = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: OpeningParts<R, I>) {
    this.#parts = parts;
  }

  end(): void {
    this.#timer?.cancel();
  }

  /** A caller was refused: for a while, connections are opened as if one waited. */
  asked(now: number): void {
    this.#lastAsked = now;
  }

  openWanted(now: number): void {
    const { endpoints, health, inventory, line, sizing, warmUp } = this.#parts;
    const asked = line.length > 0 || now - this.#lastAsked < askedFor;
    // While callers are refused, one connection is tried for them.
    const forRefused = asked && inventory.proven === 0 && health.circuit !== 'closed' ? 1 : 0;
    const atLeast = Math.max(warmUp.wanted, forRefused);
    if (endpoints.many) {
      this.#tryIll(now, asked);
      this.#giveUpSlow(now);
    }
    for (;;) {
      const pause = health.wait(now, asked);
      const expected = endpoints.many ? this.#expectedOfMany(now, pause) : this.#expectedOfOne(pause);
      const group = sizing.wanted(now, atLeast, expected);
      if (group === undefined) {
        const next = inventory.nextAfterSilence(now);
        const turn = health.proving && pause > 0 ? now + pause : Number.POSITIVE_INFINITY;
        const look = Math.min(next, turn, this.#nextSlow(now));
        if (look !== Number.POSITIVE_INFINITY) this.#lookLater(look - now);
        return;
      }
      const wait = endpoints.many ? this.#openSomewhere(group, now, asked) : this.#openAtOnlyOne(group, now, pause);
      if (wait > 0) {
        this.#lookLater(Math.min(wait, this.#nextSlow(now) - now));
        return;
      }
    }
  }

  /** @returns how long to wait instead, in milliseconds; 0 when one was opened */
  #openAtOnlyOne(group: IdentityGroup<I>, now: number, pause: number): number {
    const { endpoints, health, lifecycle } = this.#parts;
    const [only] = endpoints.staying;
    if (only === undefined) return Number.POSITIVE_INFINITY;
    const isCountedOn = !health.proving || pause > 0;
    const wait = Math.max(this.#untilRoom(only, now, isCountedOn), pause);
    if (wait === 0) lifecycle.open(group, only);
    return wait;
  }

  /** @returns how long to wait instead, in milliseconds; 0 when one was opened */
  #openSomewhere(group: IdentityGroup<I>, now: number, asked: boolean): number {
    const { endpoints, lifecycle } = this.#parts;
    const someStandWell = endpoints.staying.some(isUsable);
    let soonest = Number.POSITIVE_INFINITY;
    const slow = this.#endpointsWithSlow(now);
    const mayWaitElsewhere = this.#mayOpenBeside(slow);
    const endpoint = endpoints.leastPopulated((candidate) => {
      if (someStandWell && candidate.standing !== 'well') return false;
      // What is slow at one endpoint may be quick at another.
      if (mayWaitElsewhere && slow.has(candidate)) return false;
      const wait = Math.max(candidate.wait(now, asked), this.#untilAnother(candidate, now));
      soonest = Math.min(soonest, wait);
      return wait === 0;
    });
    if (endpoint === undefined) return soonest;
    lifecycle.open(group, endpoint);
    return 0;
  }

  /** How long until one more connection may be opened at one of several endpoints, in milliseconds. */
  #untilAnother(endpoint: Endpoint, now: number): number {
    if (endpoint.standing === 'well') return this.#untilRoom(endpoint, now, true);
    // One attempt at a time; while none is known to work, its turn is in the endpoint's own wait.
    if (endpoint.opening === 0 || endpoint.proving) return this.#untilRoom(endpoint, now, false);
    return Number.POSITIVE_INFINITY;
  }

  /** Tries whether an endpoint that is not well is back, without a caller who counts on it. */
  #tryIll(now: number, asked: boolean): void {
    const { endpoints, inventory, lifecycle, sizing } = this.#parts;
    if (!endpoints.troubled || (inventory.live === 0 && !asked)) return;
    // A fatal refusal everywhere is tried again only for a caller.
    if (sizing.isStopped) return;
    for (const endpoint of endpoints.staying) {
      if (endpoint.standing === 'well' || endpoint.opening > 0 || endpoint.isOnTrial) continue;
      // The attempt may hang, and must not take the only place from a waiter.
      if (sizing.max - inventory.total < (inventory.live > 0 ? 1 : 2)) return;
      const isDue = endpoint.wait(now, asked) === 0 && this.#untilAnother(endpoint, now) === 0;
      if (isDue) lifecycle.open(inventory.ownGroup, endpoint);
    }
  }

  /** A full pool gives up slow openings, so that waiters get connections at an endpoint where none is slow. */
  #giveUpSlow(now: number): void {
    const { health, inventory, lifecycle, line, sizing } = this.#parts;
    if (line.length === 0 || inventory.counts.opening === 0 || inventory.total < sizing.max) return;
    const slow = this.#endpointsWithSlow(now);
    if (slow.size === 0 || !this.#mayOpenBeside(slow)) return;
    // Nothing else would keep the next one from being opened there again.
    const why = 'it was slow, and its place is given to one at another server';
    const error = new Error(`an opening was given up: ${why}`);
    for (const endpoint of slow) health.report(endpoint, { sign: 'silent', error });
    lifecycle.abandonSlow(now, this.#slowness(), why);
  }

  /** With one endpoint: while no opening is known to work, a slow one does not hold up others. */
  #expectedOfOne(pause: number): Expected<I> {
    const { health, inventory, lifecycle } = this.#parts;
    const openings = !health.proving || pause > 0;
    const preparations = openings && !lifecycle.probesFail;
    return {
      total: openings ? inventory.total : inventory.proven,
      supplyOf: ({ opening, preparing }) => (openings ? opening : 0) + (preparations ? preparing : 0),
      hedges: false,
    };
  }

  /**
   * With several endpoints: what is slow, or under way at an endpoint that is not well, does not hold up others. When no
   * other attempt may be made now, all counts.
   */
  #expectedOfMany(now: number, pause: number): Expected<I> {
    const { inventory, lifecycle } = this.#parts;
    if (pause > 0) {
      return { total: inventory.total, supplyOf: ({ opening, preparing }) => opening + preparing, hedges: false };
    }
    const slow = this.#slowness();
    const openings = inventory.opening.filter(
      ({ endpoint, since }) => endpoint.standing === 'well' && now - since < slow,
    );
    const preparing = lifecycle.probesFail ? [] : this.#preparing(now);
    const inGroup = (members: readonly PooledResource<R, I>[], group: IdentityGroup<I>): number =>
      members.filter((member) => member.group === group).length;
    return {
      total: inventory.proven + openings.length,
      supplyOf: (group) => inGroup(openings, group) + inGroup(preparing, group),
      hedges: true,
    };
  }

  /** How many connections that are being prepared for this identity a waiter may count on. */
  preparingOf(group: IdentityGroup<I>, now: number): number {
    if (!this.#parts.endpoints.many || group.preparing === 0) return group.preparing;
    return this.#preparing(now).filter((member) => member.group === group).length;
  }

  #preparing(now: number): PooledResource<R, I>[] {
    return this.#parts.inventory.preparing.filter(({ stepBegan }) => now - stepBegan < slowAtLeast);
  }

  /** With several endpoints, while a caller waits: when the next step under way becomes slow, on the pool's clock. */
  #nextSlow(now: number): number {
    const { endpoints, inventory, line } = this.#parts;
    if (!endpoints.many || line.length === 0) return Number.POSITIVE_INFINITY;
    const slow = this.#slowness();
    let next = Number.POSITIVE_INFINITY;
    for (const { since } of inventory.opening) if (since + slow > now) next = Math.min(next, since + slow);
    for (const { stepBegan } of inventory.preparing) {
      if (stepBegan + slowAtLeast > now) next = Math.min(next, stepBegan + slowAtLeast);
    }
    return next;
  }

  /**
   * How long until one more connection may be opened, in milliseconds: `maxConnecting` at the same time at each
   * endpoint, slow ones not counted. `Infinity` when it depends on another event.
   * @param isCountedOn if openings there are not counted on, each is slow after the least time
   */
  #untilRoom(endpoint: Endpoint, now: number, isCountedOn: boolean): number {
    const { endpoints, inventory, settings, sizing } = this.#parts;
    const { counts } = inventory;
    // Connections being closed are bounded too: if none can be closed any more, none is opened either.
    if (counts.closing + counts.opening > sizing.max) return Number.POSITIVE_INFINITY;
    const slow = isCountedOn ? this.#slowness() : slowAtLeast;
    if (!endpoints.many && endpoint.opening < settings.maxConnecting) return 0;
    const there = inventory.opening.filter((member) => member.endpoint === endpoint);
    const young = there.filter(({ since }) => now - since < slow);
    const oldest = young[young.length - settings.maxConnecting];
    return oldest === undefined ? 0 : slow - (now - oldest.since);
  }

  #endpointsWithSlow(now: number): ReadonlySet<Endpoint> {
    const slow = this.#slowness();
    const { opening } = this.#parts.inventory;
    return new Set(opening.filter(({ since }) => now - since >= slow).map(({ endpoint }) => endpoint));
  }

  /** Whether connections may be had at an endpoint that is not one of these. */
  #mayOpenBeside(slow: ReadonlySet<Endpoint>): boolean {
    return this.#parts.endpoints.staying.some((one) => isUsable(one) && !slow.has(one));
  }

  #slowness(): number {
    return slowness(this.#parts.journal.usualOpenTime);
  }

  #lookLater(wait: number): void {
    this.#timer?.cancel();
    if (wait === Number.POSITIVE_INFINITY) return;
    // At least 1 ms: rounding could lose a fraction, and the pool would look again at the same moment.
    this.#timer = this.#parts.clock.timer(Math.max(1, wait), true, () => this.#parts.dispatch());
  }
}

/** Whether it is well and gets connections: in a panic, well ones of a later priority may get no share. */
function isUsable({ standing, share }: Endpoint): boolean {
  return standing === 'well' && share > 0;
}
