import type { Servers } from './contract.js';

/** The servers of a pool that was given none: the factory knows where the only one is. */
export const oneServer: Servers = {
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
