import { Endpoints } from '../endpoints/endpoints.js';
import { makeStrategy } from '../endpoints/strategy.js';
import { Affinity } from './affinity.js';
import { CheckSchedule } from './check-schedule.js';
import type { PoolSettings, PoolSurroundings } from './contract.js';
import { Dispatcher } from './dispatcher.js';
import { EndpointList } from './endpoint-list.js';
import { ExpiryWheel } from './expiry-wheel.js';
import { Fitness } from './fitness.js';
import { GuardedFactory } from './guarded-factory.js';
import { Health } from './health.js';
import type { Identity } from './identity-group.js';
import { Inventory } from './inventory.js';
import { Journal } from './journal.js';
import { Leasing } from './leasing.js';
import { Lifecycle, type LifecycleOwner } from './lifecycle.js';
import { oneEndpoint } from './one-endpoint.js';
import { Openings } from './openings.js';
import type { PoolParts } from './parts.js';
import { PoolState } from './pool-state.js';
import { Rebalancing } from './rebalancing.js';
import { Rejections } from './rejections.js';
import type { PooledResource } from './resource.js';
import { RoundTrips } from './round-trips.js';
import { Sizing } from './sizing.js';
import { Upkeep } from './upkeep.js';
import { WaitingLine, type WaitingLineEvents } from './waiting-line.js';
import { WarmUp } from './warm-up.js';

/** The parts of a pool that the pool itself calls. */
export interface AssembledPool<R, I extends Identity> extends Omit<PoolParts<R, I>, 'factory' | 'clock' | 'settings'> {
  readonly line: WaitingLine<R, I>;
  readonly affinity: Affinity<R, I>;
  readonly rejections: Rejections<R, I>;
  readonly lifecycle: Lifecycle<R, I>;
  readonly leasing: Leasing<R, I>;
  readonly dispatcher: Dispatcher<R, I>;
  readonly upkeep: Upkeep<R, I>;
  readonly warmUp: WarmUp;
  readonly endpointList: EndpointList<R, I>;
}

/**
 * Builds the parts of a pool, bottom up; none of them starts anything but the upkeep.
 * @param drained asked after each matching: whether the shutdown, if there is one, has just ended
 */
export function assemblePool<R, I extends Identity>(
  settings: PoolSettings,
  surroundings: PoolSurroundings<R, I>,
  drained: () => boolean,
): AssembledPool<R, I> {
  const { name, home, clock, timeOfDay, random, endpoints: given = oneEndpoint } = surroundings;
  const { balancing, loadBalancing } = given;
  const state = new PoolState();
  const factory = new GuardedFactory(surroundings.factory);
  const journal = new Journal(clock);
  const inventory = new Inventory<R, I>(home, makeStrategy(loadBalancing, random));
  const endpoints = makeEndpoints(surroundings, journal);
  const known = { clock, settings, state, factory, journal, inventory, endpoints };
  // These need each other; none is called before all are built.
  const dispatch = (): void => dispatcher.dispatch();
  const events: WaitingLineEvents<R, I> = {
    timedOut: (waiter) => {
      rejections.timeOut(waiter);
      leasing.serveOthers(waiter.tenant);
    },
    aborted: (waiter, reason) => {
      rejections.abort(waiter, reason);
      leasing.serveOthers(waiter.tenant);
    },
    shed: (waiter, retryAfter) => rejections.shed(waiter, retryAfter),
    isOpen: () => state.isRunning,
  };
  const owner: LifecycleOwner<R, I> = {
    offer: (member, now, reused) => leasing.offer(member, now, reused),
    keepIdle: (member, now) => leasing.keepIdle(member, now),
    failWaiters: (group, cause) => rejections.failAll(group, cause),
    dispatch,
  };

  const line = new WaitingLine<R, I>(clock, events, settings);
  const health = new Health(known);
  const sizing = new Sizing(settings, inventory, line);
  const fitness = new Fitness({ ...known, sizing });
  const lifetimes = new ExpiryWheel<PooledResource<R, I>>(clock.now());
  const checks = new CheckSchedule<PooledResource<R, I>>(settings.healthCheckInterval, random, clock.now());
  const shared: PoolParts<R, I> = { ...known, health, sizing, fitness, lifetimes, checks };

  const warmUp = new WarmUp();
  const affinity = new Affinity<R, I>({ clock, line, dispatch });
  const rejections = new Rejections({ ...shared, name, line });
  const lifecycle = new Lifecycle({ ...shared, random, warmUp }, owner);
  const isDispatching = (): boolean => dispatcher.isDispatching;
  const leasing: Leasing<R, I> = new Leasing({
    ...{ ...shared, line, affinity, rejections, lifecycle },
    ...{ isDispatching, dispatch },
  });
  const rebalancing = new Rebalancing({ ...shared, balancing, lifecycle, random });
  const roundTrips = new RoundTrips(shared);
  const endpointList = new EndpointList({ ...shared, rebalancing, dispatch });
  const openings = new Openings({ ...shared, line, lifecycle, warmUp, dispatch });
  const matched = (): void => {
    endpointList.look();
    if (drained()) state.close();
  };
  const dispatcher: Dispatcher<R, I> = new Dispatcher({
    ...{ ...shared, line, affinity, rejections, lifecycle, leasing },
    ...{ openings, warmUp, matched },
  });
  const upkeep = new Upkeep({
    ...{ ...shared, rebalancing, roundTrips, timeOfDay, line, lifecycle },
    swept: dispatch,
  });
  return {
    ...{ ...shared, line, affinity, rejections, lifecycle, leasing },
    ...{ dispatcher, upkeep, warmUp, endpointList },
  };
}

function makeEndpoints<R, I extends Identity>(
  { clock, breaker: settings, random, endpoints: given = oneEndpoint }: PoolSurroundings<R, I>,
  journal: Journal,
): Endpoints {
  const endpoints: Endpoints = new Endpoints(
    {
      ...{ settings, random, balancing: given.balancing },
      changed: ({ shown, standing, trouble: error }, before) => {
        if (!endpoints.many) return;
        journal.tell('endpointChanged', { endpoint: shown, state: standing, before, error });
      },
    },
    given.targets,
    clock.now(),
  );
  return endpoints;
}
