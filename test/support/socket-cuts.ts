import type { Fault, RequestHook } from './front.js';
import type { Random } from './seeded-random.js';

/** Cuts a socket once in a while, at the worst moments most of all. */
export function cuts(random: Random): RequestHook {
  const fault = (chance: number): Fault => {
    if (random() >= chance) return 'pass';
    return random() < 0.5 ? 'kill' : 'drop';
  };
  return ({ method, params, transaction }) => {
    if (method === 'commit') return fault(0.25);
    if (method === 'query' && JSON.stringify(params).includes('"fenced"')) return fault(0.4);
    if (method === 'query' && transaction !== undefined) return fault(0.02);
    return 'pass';
  };
}
