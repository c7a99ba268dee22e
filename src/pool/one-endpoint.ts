import type { PoolEndpoints } from './contract.js';

/** The endpoint of a pool that was given none: the factory knows where it is. */
export const oneEndpoint: PoolEndpoints = {
  targets: [{ url: '', weight: 1, zone: undefined, priority: 0 }],
  loadBalancing: 'round-robin',
  balancing: {
    zone: undefined,
    spillOver: 0.7,
    panicBelow: 0.5,
    slowStart: 0,
    rebalanceInterval: 0,
    tolerance: 0.2,
  },
};
