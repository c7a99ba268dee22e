import type { Endpoints } from '../endpoints/endpoints.js';
import type { Clock } from '../time/clock.js';
import type { CheckSchedule } from './check-schedule.js';
import type { PoolSettings } from './contract.js';
import type { ExpiryWheel } from './expiry-wheel.js';
import type { Fitness } from './fitness.js';
import type { GuardedFactory } from './guarded-factory.js';
import type { Health } from './health.js';
import type { Identity } from './identity-group.js';
import type { Inventory } from './inventory.js';
import type { Journal } from './journal.js';
import type { PoolState } from './pool-state.js';
import type { PooledResource } from './resource.js';
import type { Sizing } from './sizing.js';

/** What the parts of a pool share. A pool has one of each. */
export interface PoolParts<R, I extends Identity> {
  readonly factory: GuardedFactory<R, I>;
  readonly clock: Clock;
  readonly settings: PoolSettings;
  readonly state: PoolState;
  readonly inventory: Inventory<R, I>;
  readonly journal: Journal;
  readonly endpoints: Endpoints;
  readonly health: Health<R, I>;
  readonly sizing: Sizing<R, I>;
  readonly fitness: Fitness<R, I>;
  readonly lifetimes: ExpiryWheel<PooledResource<R, I>>;
  readonly checks: CheckSchedule<PooledResource<R, I>>;
}
