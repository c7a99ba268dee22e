import type { CloseReason } from './close-reason.js';
import type { PoolSettings } from './contract.js';
import type { GuardedFactory } from './guarded-factory.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { PoolState } from './pool-state.js';
import type { PooledResource } from './resource.js';
import type { Sizing } from './sizing.js';

/** The parts of a pool that say what becomes of a connection. */
export interface FitnessParts<R, I extends Identity> {
  readonly factory: GuardedFactory<R, I>;
  readonly settings: PoolSettings;
  readonly state: PoolState;
  readonly inventory: Inventory<R, I>;
  readonly sizing: Sizing<R, I>;
}

/** Whether a connection may be lent: at all, and without a probe. */
export class Fitness<R, I extends Identity> {
  readonly #parts: FitnessParts<R, I>;
  #generation = 0;
  /** Probes older than this do not count: the process was suspended since. */
  #distrustBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: FitnessParts<R, I>) {
    this.#parts = parts;
  }

  /** That of connections that are opened now. */
  get generation(): number {
    return this.#generation;
  }

  /** Connections that are open or being opened now are not lent again. */
  newGeneration(): void {
    this.#generation++;
  }

  /** Discards every proof so far: connections are probed before they are lent. */
  distrust(now: number): void {
    this.#distrustBefore = now;
  }

  /** Why this connection must not be lent again; undefined when it may. */
  whyUnfit(member: PooledResource<R, I>, now: number): CloseReason | undefined {
    const { settings, state, inventory, sizing } = this.#parts;
    if (member.retirement !== undefined) return member.retirement;
    if (!member.endpoint.lends) return member.endpoint.isDraining ? 'drained' : 'endpoint-out';
    if (member.generation !== this.#generation) return 'recycled';
    if (now >= member.expiresAt) return 'lifetime';
    if (settings.recycleAfterUses > 0 && member.uses >= settings.recycleAfterUses) return 'uses';
    if (inventory.total > sizing.max) return 'resized';
    return state.isEnding ? 'shutdown' : undefined;
  }

  /** Whether this connection may be lent without a probe. */
  isTrusted(member: PooledResource<R, I>, now: number): boolean {
    const { settings, factory } = this.#parts;
    if (member.provenAt < this.#distrustBefore) return false;
    if (now >= factory.lendableUntil(member.resource as R)) return false;
    return !settings.validateOnCheckout || now - member.provenAt < settings.validationInterval;
  }
}
